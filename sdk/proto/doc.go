// Package proto holds the contracts between a gdask host and its plugin
// processes, as protocol buffers, and the Go code generated from them. A plugin
// in another language starts from the .proto files.
package proto

//go:generate protoc -I . --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative gdask/plugin/v1/plugin.proto gdask/worker/v1/worker.proto gdask/graph/v1/graph.proto
