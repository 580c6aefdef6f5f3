// Package workerv1 is generated from worker.proto: version 1 of the contract of
// plugins of the kind worker.
package workerv1
