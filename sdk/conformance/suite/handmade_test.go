//go:build unix

package suite

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	"github.com/gdask/gdask/sdk/handshake"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
)

// handmade is a plugin that somebody wrote from the protocol file alone: it has
// no health service, no TLS, no lifeline, agrees to every version and lists
// services that it does not have.
func handmade() {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := grpc.NewServer()
	pluginv1.RegisterPluginServer(s, handmadePlugin{})
	fmt.Printf("1|%s|unix|%s|grpc\n", os.Getenv("PLUGIN_PROTOCOL_VERSIONS"), path)
	if err := s.Serve(ln); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

type handmadePlugin struct {
	pluginv1.UnimplementedPluginServer
}

func (handmadePlugin) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return &pluginv1.DescribeResponse{
		Kind: "worker", Name: "helper", Version: "1.0.0", Runtimes: []string{"go"},
		Services: []string{handshake.PluginV1, handshake.WorkerV1},
	}, nil
}

func (handmadePlugin) Validate(context.Context, *pluginv1.ValidateRequest) (*pluginv1.ValidateResponse, error) {
	return &pluginv1.ValidateResponse{}, nil
}

func (handmadePlugin) Configure(context.Context, *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	return &pluginv1.ConfigureResponse{}, nil
}
