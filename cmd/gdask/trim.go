package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	trimEvery = time.Second
	// trimQuiet is what a process allocates in a second without work.
	trimQuiet = 4 << 20
	// trimWorth is how much must have been allocated for a trim to be worth its
	// garbage collection.
	trimWorth = 32 << 20
)

// trimmer decides when memory goes back to the system: in the first quiet second
// after some work. Left to itself the runtime keeps the garbage of the last burst
// until the next one, which for a scheduler may be tomorrow.
type trimmer struct{ last, trimmed uint64 }

// due takes the bytes allocated since the start of the process, once a second.
func (t *trimmer) due(allocated uint64) bool {
	grown := allocated - t.last
	t.last = allocated
	if grown > trimQuiet || allocated-t.trimmed < trimWorth {
		return false
	}
	t.trimmed = allocated
	return true
}

// trimMemory runs a trimmer until stop is called.
func trimMemory(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		var t trimmer
		tick := time.NewTicker(trimEvery)
		defer tick.Stop()
		sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if metrics.Read(sample); t.due(sample[0].Value.Uint64()) {
				debug.FreeOSMemory()
			}
		}
	})
	return func() { cancel(); running.Wait() }
}
