package main

import (
	"testing"
	"time"

	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/sdk/worker"
)

// What configuration says of workers' memory is what workers are started with.
func TestMemoryOfWorkers(t *testing.T) {
	c := config.Default()
	if got := *workerMemory(&c); got != worker.DefaultMemory() {
		t.Errorf("defaults: %+v", got)
	}
	c.Distributed.Worker.Memory = config.Memory{
		Target: 0.1, Spill: 0.2, Pause: 0.3, Transfer: 0.4, MaxSpill: 5, SpillCompression: "false", MonitorInterval: config.Duration(time.Second),
	}
	want := worker.Memory{Target: 0.1, Spill: 0.2, Pause: 0.3, Transfer: 0.4, MaxSpill: 5, Compression: "none", Interval: time.Second}
	if got := *workerMemory(&c); got != want {
		t.Errorf("%+v", got)
	}
}
