package workerrt

import (
	"os"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// Samples of the system are shared by who asks within these times.
const (
	memoryAge = 20 * time.Millisecond
	cpuAge    = 100 * time.Millisecond
)

// usage reads what the process uses: several workers of one process ask, and
// each asking costs system calls.
type usage struct {
	sample func() int64 // resident bytes

	mu       sync.Mutex
	proc     *process.Process // nil: no such system interface, the figures stay 0
	memoryAt time.Time
	rss      int64
	cpuAt    time.Time
	spent    float64 // seconds of processor time at that moment
	percent  float64 // of one core since the last reading
}

func newUsage() *usage {
	u := &usage{}
	u.sample = u.resident
	if p, err := process.NewProcess(int32(os.Getpid())); err == nil {
		u.proc = p
	}
	return u
}

func (u *usage) resident() int64 {
	if u.proc == nil {
		return 0
	}
	m, err := u.proc.MemoryInfo()
	if err != nil {
		return u.rss
	}
	return int64(m.RSS)
}

// memory is the resident bytes.
func (u *usage) memory() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := time.Now(); now.Sub(u.memoryAt) >= memoryAge {
		u.rss, u.memoryAt = u.sample(), now
	}
	return u.rss
}

// forget has the next reader look again.
func (u *usage) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.memoryAt = time.Time{}
}

// cpu is in per cent of one core.
func (u *usage) cpu() float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.proc == nil || now.Sub(u.cpuAt) < cpuAge {
		return u.percent
	}
	if t, err := u.proc.Times(); err == nil {
		spent := t.User + t.System
		if !u.cpuAt.IsZero() {
			u.percent = 100 * (spent - u.spent) / now.Sub(u.cpuAt).Seconds()
		}
		u.spent = spent
	}
	u.cpuAt = now
	return u.percent
}

// files is the number of open file descriptors.
func (u *usage) files() int {
	if u.proc == nil {
		return 0
	}
	n, err := u.proc.NumFDs()
	if err != nil {
		return 0
	}
	return int(n)
}
