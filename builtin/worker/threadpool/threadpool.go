// Package threadpool is the builtin worker class "threadpool", Dask's Worker:
// task slots in one process.
package threadpool

import (
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// Name is what users call the class.
const Name = "threadpool"

// New returns the class for workers that run the functions of reg and speak the
// protocols of transports (nil: tcp and unix).
func New(reg *task.Registry, transports *comm.Set, options ...worker.Option) *worker.Class {
	options = append([]worker.Option{worker.Functions(reg), worker.Transports(transports), worker.Version("1.0.0")}, options...)
	return worker.New[struct{}](Name, nil, options...)
}
