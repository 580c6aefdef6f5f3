// Package all lists the builtins. Lists are explicit: importing a package
// registers nothing.
package all

import (
	"fmt"

	"github.com/gdask/gdask/builtin/comm/inproc"
	"github.com/gdask/gdask/builtin/comm/tcp"
	"github.com/gdask/gdask/builtin/comm/unix"
	"github.com/gdask/gdask/builtin/worker/threadpool"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// Transports returns a new set of the builtin comm protocols; tcp is the
// default. Addresses of inproc are known only within one set.
func Transports() (*comm.Set, error) { return comm.NewSet(tcp.New(), unix.New(), inproc.New()) }

// Workers returns the builtin worker classes for the functions of reg.
func Workers(reg *task.Registry, set *comm.Set) []*worker.Class {
	return []*worker.Class{threadpool.New(reg, set)}
}

// Child returns the class that a child process of this program is to serve.
func Child(kind, name string, reg *task.Registry) (*worker.Class, error) {
	if kind != worker.Kind {
		return nil, fmt.Errorf("this program has no builtin plugins of the kind %q, only of the kind %q", kind, worker.Kind)
	}
	set, err := Transports()
	if err != nil {
		return nil, err
	}
	for _, c := range Workers(reg, set) {
		if c.Name() == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("this program has no builtin worker class %q", name)
}
