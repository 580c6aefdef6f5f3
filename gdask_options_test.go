package gdask

import (
	"strings"
	"testing"

	"github.com/gdask/gdask/core/cluster"
)

func TestPlanOfLocalCluster(t *testing.T) {
	m := cluster.Machine{Cores: 8, Memory: 8 << 30}
	for _, c := range []struct {
		name      string
		o         LocalOptions
		class     string
		processes bool
		listen    string
		counts    cluster.Counts
		memory    int64
	}{
		{"nothing", LocalOptions{}, "subprocess", true, "tcp://127.0.0.1:0", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"no processes", LocalOptions{Processes: new(false)}, "threadpool", false, "inproc://", cluster.Counts{Workers: 1, Threads: 8}, 8 << 30},
		{"Dask's Worker", LocalOptions{WorkerClass: "distributed.Worker"}, "threadpool", false, "inproc://", cluster.Counts{Workers: 1, Threads: 8}, 8 << 30},
		{"Dask's Nanny", LocalOptions{WorkerClass: "Nanny"}, "subprocess", true, "tcp://127.0.0.1:0", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"threadpool in processes", LocalOptions{WorkerClass: "threadpool", Processes: new(true)}, "subprocess", true, "tcp://127.0.0.1:0", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"a plugin", LocalOptions{WorkerClass: "mycustom", NWorkers: new(2)}, "mycustom", true, "tcp://127.0.0.1:0", cluster.Counts{Workers: 2, Threads: 4}, 4 << 30},
		{"a port needs a network", LocalOptions{Processes: new(false), SchedulerPort: 8786}, "threadpool", false, "tcp://127.0.0.1:8786", cluster.Counts{Workers: 1, Threads: 8}, 8 << 30},
		{"a host too", LocalOptions{Processes: new(false), Host: "tcp://0.0.0.0"}, "threadpool", false, "tcp://0.0.0.0:0", cluster.Counts{Workers: 1, Threads: 8}, 8 << 30},
		{"IPv6", LocalOptions{Host: "[::1]"}, "subprocess", true, "tcp://[::1]:0", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"host with port", LocalOptions{Host: "127.0.0.1:99"}, "subprocess", true, "tcp://127.0.0.1:99", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"protocol with ://", LocalOptions{Protocol: "unix://"}, "subprocess", true, "unix://", cluster.Counts{Workers: 4, Threads: 2}, 2 << 30},
		{"two workers in process", LocalOptions{Processes: new(false), NWorkers: new(2), MemoryLimit: "0"}, "threadpool", false, "inproc://", cluster.Counts{Workers: 2, Threads: 4}, 0},
		{"empty", LocalOptions{NWorkers: new(0), MemoryLimit: "1 GiB"}, "subprocess", true, "tcp://127.0.0.1:0", cluster.Counts{Workers: 0, Threads: 8}, 1 << 30},
	} {
		p, err := c.o.plan(m)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if p.class != c.class || p.processes != c.processes || p.listen != c.listen || p.counts != c.counts || p.memory != c.memory {
			t.Errorf("%s: %s processes=%v %s %v %d, want %+v", c.name, p.class, p.processes, p.listen, p.counts, p.memory, c)
		}
	}
}

func TestRefusedLocalOptions(t *testing.T) {
	for want, o := range map[string]LocalOptions{
		"cannot run in this process": {WorkerClass: "mycustom", Processes: new(false)},
		"cannot reach worker":        {Protocol: "inproc"},
		"number of workers is -1":    {NWorkers: new(-1)},
		"threads per worker is 0":    {ThreadsPerWorker: new(0)},
		"scheduler port is 70000":    {SchedulerPort: 70000},
		"unknown unit":               {MemoryLimit: "5 parsecs"},
		"host":                       {Host: "::1"},
	} {
		if p, err := o.plan(cluster.Machine{Cores: 2}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %+v, %v; want an error with %q", o, p, err, want)
		}
	}
}

type fakeCluster string

func (f fakeCluster) SchedulerAddress() string { return string(f) }

func TestWhatNewClientConnectsTo(t *testing.T) {
	t.Setenv("GDASK_SCHEDULER_ADDRESS", "")
	t.Setenv("DASK_SCHEDULER_ADDRESS", "tcp://env:1")
	if got, err := parseTarget(nil); err != nil || got.address != "tcp://env:1" {
		t.Errorf("nothing: %+v, %v", got, err)
	}
	t.Setenv("GDASK_SCHEDULER_ADDRESS", "tcp://env:2")
	if got, err := parseTarget([]any{ClientOptions{Name: "x"}}); err != nil || got.address != "tcp://env:2" || got.options.Name != "x" {
		t.Errorf("options: %+v, %v", got, err)
	}
	if got, err := parseTarget([]any{"tcp://a:3"}); err != nil || got.address != "tcp://a:3" {
		t.Errorf("address: %+v, %v", got, err)
	}
	if got, err := parseTarget([]any{LocalOptions{Name: "n"}}); err != nil || got.address != "" || got.local.Name != "n" {
		t.Errorf("local: %+v, %v", got, err)
	}
	for want, args := range map[string][]any{
		"got a int":     {1},
		"more than one": {"tcp://a:3", LocalOptions{}},
		"empty address": {" "},
	} {
		if _, err := parseTarget(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want an error with %q", args, err, want)
		}
	}
	if _, err := NewClient(t.Context(), fakeCluster("")); err == nil || !strings.Contains(err.Error(), "not running") {
		t.Errorf("closed cluster: %v", err)
	}
}
