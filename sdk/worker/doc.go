// Package worker is what the author of a worker class imports: the Executor
// interface, its optional companions, and New, which makes a class from them.
package worker

import (
	"encoding/json"
	"time"

	"github.com/gdask/gdask/sdk/hook"
)

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
	NannyListen    string             // where the supervisor's RPC server listens; "" beside the scheduler
	Extra                             // what a process of its own gets by its environment
}

// OptionsEnv holds options of a worker on the SDK's runtime that the contract of
// worker plugins does not have, as JSON.
const OptionsEnv = "GDASK_WORKER_OPTIONS"

// Extra are options that only workers on the SDK's runtime know.
type Extra struct {
	// Preload runs when the worker starts and ends.
	Preload hook.Preload `json:"preload,omitzero"`
	// Blocked are operations that the worker does not answer.
	Blocked []string `json:"blocked,omitempty"`
	// Tuning are sizes and times.
	Tuning Tuning `json:"tuning,omitzero"`
}

// Environment is the variable by which a process gets its options; "" when there
// are none.
func (e Extra) Environment() string {
	if len(e.Preload.Names) == 0 && len(e.Blocked) == 0 && e.Tuning == (Tuning{}) {
		return ""
	}
	b, err := json.Marshal(e)
	if err != nil { // texts and numbers always can be
		return ""
	}
	return string(b)
}
