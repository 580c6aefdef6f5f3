package workerrt

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// Memory says what a worker does as its memory fills. The fractions are parts of
// its memory limit; 0 switches one off.
type Memory struct {
	Target      float64       // of values in memory: beyond it they go to disk
	Spill       float64       // of the process: beyond it values go to disk
	Pause       float64       // of the process: beyond it nothing new is started
	Transfer    float64       // of values being copied from peers: beyond it no copy starts
	MaxSpill    int64         // bytes of values on disk; 0 any
	Compression string        // of values on disk: "auto" or "none"
	Interval    time.Duration // between two looks at the process; 0: 100 ms
}

// DefaultMemory is Dask's.
func DefaultMemory() Memory {
	return Memory{Target: 0.60, Spill: 0.70, Pause: 0.80, Transfer: 0.10, Compression: "auto", Interval: defaultInterval}
}

const (
	defaultInterval = 100 * time.Millisecond
	// resumePart of the pause threshold is where a paused worker goes on, so that
	// the status does not flap.
	resumePart = 0.975
)

// Check names what is wrong.
func (m *Memory) Check() error {
	var errs []error
	for name, f := range map[string]float64{"target": m.Target, "spill": m.Spill, "pause": m.Pause, "transfer": m.Transfer} {
		if !(f >= 0 && f <= 1) {
			errs = append(errs, fmt.Errorf("worker: memory %s is %v; give a fraction of the memory limit up to 1, or 0 for never", name, f))
		}
	}
	if m.MaxSpill < 0 {
		errs = append(errs, fmt.Errorf("worker: max-spill is %d bytes; give 0 for no limit, or more", m.MaxSpill))
	}
	if !knownCompression(m.Compression) {
		errs = append(errs, fmt.Errorf("worker: spill-compression is %q; use auto or none", m.Compression))
	}
	return errors.Join(errs...)
}

func knownCompression(name string) bool {
	switch strings.ToLower(name) {
	case "", "auto", "none":
		return true
	}
	return false
}

// limits are the thresholds in bytes.
func (m *Memory) limits(limit int64) state.MemoryLimits {
	part := func(f float64) int64 { return int64(math.Ceil(f * float64(limit))) }
	l := state.MemoryLimits{
		Target: part(m.Target), Spill: part(m.Spill), Floor: part(m.Target), Pause: part(m.Pause), Resume: part(resumePart * m.Pause),
	}
	if l.Floor == 0 || l.Floor > l.Spill {
		l.Floor = l.Spill
	}
	return l
}

// memoryLimits are the worker's thresholds.
func (w *Worker) memoryLimits() state.MemoryLimits {
	if w.set.MemoryLimit <= 0 {
		return state.MemoryLimits{}
	}
	return w.set.Memory.limits(w.set.MemoryLimit)
}

// heap is what the Go runtime may have before it collects whatever the cost: a
// little less than what makes values go to disk, so that garbage alone sends
// nothing there. It is wide when tasks need more than that.
func (m *Memory) heap(limit int64, wide bool) int64 {
	f := max(0.9, m.Spill)
	switch {
	case wide:
	case m.Spill > 0:
		f = m.Spill - 0.02
	case m.Pause > 0:
		f = m.Pause - 0.05
	}
	return int64(max(f, 0.1) * float64(limit))
}
