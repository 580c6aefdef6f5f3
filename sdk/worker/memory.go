package worker

import (
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt"
)

// Memory says what a worker does as its memory fills. The fractions are parts of
// its memory limit; 0 switches one off.
//
// Workers of one process share what the system says of its memory: each is
// charged with the values that it holds and with a share, by memory limit, of
// the rest.
type Memory struct {
	// Target is of values in memory: beyond it the least recently used go to disk.
	Target float64
	// Spill is of the process: beyond it values go to disk.
	Spill float64
	// Pause is of the process: beyond it no task and no copy is started.
	Pause float64
	// Transfer is of values being copied from peers: beyond it no copy starts.
	Transfer float64
	// MaxSpill is how many bytes values on disk may take; 0 any.
	MaxSpill int64
	// Compression of values on disk: "auto" or "none".
	Compression string
	// Interval between two looks at the process; 0 means 100 ms.
	Interval time.Duration
}

// DefaultMemory is Dask's: 0.6, 0.7, 0.8 and 0.1, looked at every 100 ms.
func DefaultMemory() Memory { return Memory(workerrt.DefaultMemory()) }

// Check names what is wrong with the settings.
func (m Memory) Check() error {
	own := workerrt.Memory(m)
	return own.Check()
}
