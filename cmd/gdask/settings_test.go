package main

import (
	"reflect"
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

// Each key of Dask's about sizes and times of workers is what they are started with.
func TestTuningOfWorkers(t *testing.T) {
	c := config.Default()
	want := worker.Tuning{
		LogLength: 10_000, StoryLength: 1000, Incoming: 10, Outgoing: 50, MessageBytes: 50_000_000,
		PeerTimeout: 30 * time.Second, ConnectTimeout: 30 * time.Second,
	}
	if got := workerExtra(&c).Tuning; got != want {
		t.Errorf("defaults: %+v", got)
	}
	for key, want := range map[string]worker.Tuning{
		"admin.log-length":                    {LogLength: 7},
		"admin.low-level-log-length":          {StoryLength: 7},
		"worker.connections.incoming":         {Incoming: 7},
		"worker.connections.outgoing":         {Outgoing: 7},
		"worker.transfer.message-bytes-limit": {MessageBytes: 7},
		"comm.timeouts.tcp":                   {PeerTimeout: 7 * time.Second},
		"comm.timeouts.connect":               {ConnectTimeout: 7 * time.Second},
	} {
		l, err := config.Load(config.Sources{Code: map[string]any{"distributed." + key: 7}})
		if err != nil || len(l.Notes) > 0 {
			t.Fatalf("%s: %v, %q", key, err, l.Notes)
		}
		if changed := changes(workerExtra(&c).Tuning, workerExtra(&l.Config).Tuning); changed != want {
			t.Errorf("%s: %+v", key, changed)
		}
	}
}

// changes are the fields of b that differ from those of a.
func changes(a, b worker.Tuning) (d worker.Tuning) {
	from, to, out := reflect.ValueOf(a), reflect.ValueOf(b), reflect.ValueOf(&d).Elem()
	for i := range from.NumField() {
		if !from.Field(i).Equal(to.Field(i)) {
			out.Field(i).Set(to.Field(i))
		}
	}
	return d
}

// Dask's directory for files gives way to gdask's own.
func TestLocalDirectory(t *testing.T) {
	for _, s := range []struct {
		sources config.Sources
		want    string
	}{
		{config.Sources{}, ""},
		{config.Sources{Env: []string{"DASK_TEMPORARY_DIRECTORY=/scratch", "DASK_ARRAY__CHUNK_SIZE=1"}}, "/scratch"},
		{config.Sources{Code: map[string]any{"temporary_directory": "/scratch"}}, "/scratch"},
		{config.Sources{Env: []string{"DASK_TEMPORARY_DIRECTORY=/scratch"}, Code: map[string]any{"cluster.local-directory": "/own"}}, "/own"},
	} {
		l, err := config.Load(s.sources)
		if err != nil {
			t.Fatal(err)
		}
		if got := localDirectory(&l.Config); got != s.want {
			t.Errorf("%+v: %q, want %q", s.sources, got, s.want)
		}
	}
}
