// Package worker is what the author of a worker class imports: the Executor
// interface, its optional companions, and New, which makes a class from them.
package worker

import "time"

// StartOptions tell a worker where and as what to join. They are what a host
// passes to every worker class, in process or in a plugin process.
type StartOptions struct {
	Scheduler      string             // contact address of the scheduler
	Name           string             // "" : the worker's address
	NThreads       int                // task slots; at least 1
	MemoryLimit    int64              // bytes; 0 none
	Memory         *Memory            // what happens as it fills; nil: as in Dask
	Resources      map[string]float64 // abstract resources
	LocalDirectory string             // "" : a private directory under the system's temp directory
	ListenAddress  string             // "tcp://127.0.0.1:0"; "" : the scheduler's scheme on loopback
	ContactAddress string             // "" : from the listener
	DashboardAddr  string             // HTTP server with /health and /metrics; "" none
	DeathTimeout   time.Duration      // joining must finish in time; 0 none
	Nanny          string             // address of the supervisor's RPC server; "" none
}
