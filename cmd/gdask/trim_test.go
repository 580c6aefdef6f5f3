package main

import (
	"runtime"
	"testing"
	"time"
)

func TestMemoryIsTrimmedAfterWorkOnly(t *testing.T) {
	const mib = 1 << 20
	var tr trimmer
	total := uint64(0)
	for i, s := range []struct {
		allocated uint64 // in this second
		trim      bool
	}{
		{10 * mib, false}, // start of the process
		{0, false},        // not worth it yet
		{500 * mib, false},
		{200 * mib, false}, // still at work
		{1 * mib, true},
		{1 * mib, false}, // nothing new
		{3 * mib, false},
		{40 * mib, false},
		{2 * mib, true},
	} {
		total += s.allocated
		if got := tr.due(total); got != s.trim {
			t.Errorf("second %d: trim %v, want %v", i, got, s.trim)
		}
	}
}

// burst keeps the compiler from leaving the allocation out.
var burst []byte

// TestCommandsTrimTheirMemory: those that run until they are told to end.
func TestCommandsTrimTheirMemory(t *testing.T) {
	for name, args := range map[string][]string{
		"scheduler": {"scheduler", "--port=0", "--dashboard-address=none"},
		"cluster":   {"--no-processes", "--n-workers=1", "--dashboard-address=none", "--memory-limit=0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, environ(t), args...)
			r.says(t, "Scheduler at:")
			before := forcedCollections()
			burst = make([]byte, 2*trimWorth)
			burst = nil
			deadline := time.After(patience)
			tick := time.NewTicker(trimEvery / 10)
			defer tick.Stop()
			for forcedCollections() == before {
				select {
				case <-deadline:
					t.Fatal("memory was not given back to the system")
				case <-tick.C:
				}
			}
			r.close(t)
		})
	}
}

func forcedCollections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumForcedGC
}
