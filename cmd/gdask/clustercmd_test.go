package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gdask/gdask"
)

// double is a task of the tests.
var double = gdask.Func[int]("cmdtest.double", func(n int) int { return 2 * n })

// connect is a client of the scheduler at an address.
func connect(t *testing.T, ctx context.Context, address string) *gdask.Client {
	t.Helper()
	c, err := gdask.NewClient(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compute runs a task on the workers of the scheduler at an address.
func compute(t *testing.T, address string, workers int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := connect(t, ctx, address)
	if err := c.WaitForWorkers(ctx, workers); err != nil {
		t.Error(err)
	}
	if got, err := double.Submit(c, 21).Result(ctx); err != nil || got != 42 {
		t.Errorf("result %d, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestClusterInTheForeground(t *testing.T) {
	for name, flags := range map[string][]string{
		"threads":   {"--no-processes"},
		"processes": {"--processes"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(slices.Clone(flags), "--n-workers=2", "--threads-per-worker=1", "--dashboard-address=127.0.0.1:0", "--name=mine", "--memory-limit=0")
			r := begin(t, environ(t), args...)
			address := r.says(t, "Scheduler at:")
			if link := r.says(t, "Dashboard at:"); !strings.HasPrefix(link, "http://127.0.0.1:") {
				t.Errorf("the dashboard is at %q, which is not loopback", link)
			}
			r.says(t, "Interrupt (Ctrl-C)")
			if !strings.HasPrefix(address, "tcp://127.0.0.1:") || !strings.Contains(r.out.String(), "mine") || strings.Count(r.out.String(), "  Worker ") != 2 {
				t.Errorf("it says\n%s", r.out)
			}
			compute(t, address, 2)
			r.close(t)
			if got := r.err.String(); got != "gdask: closing; interrupt again to kill\n" {
				t.Errorf("standard error has %q", got)
			}
		})
	}
}

func TestClusterThatCannotStart(t *testing.T) {
	for says, flags := range map[string][]string{
		`did you mean "threadpool"?`: {"--worker-class=treadpool"},
		`cannot run in this process`: {"--worker-class=mycustom", "--no-processes"},
		`did you mean "tcp`:          {"--protocol=tpc"},
		`lots`:                       {"--memory-limit=lots"},
	} {
		command(t, environ(t), append(flags, "--dashboard-address=none", "--n-workers=1")...).want(t, exitFailed, says)
	}
}

func TestSchedulerAndWorkers(t *testing.T) {
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none")
	address := s.says(t, "Scheduler at:")
	w := begin(t, environ(t), "worker", address, "--nworkers=2", "--nthreads=1", "--name=two", "--memory-limit=0")
	if at := w.says(t, "Worker at:"); !strings.HasPrefix(at, "tcp://127.0.0.1:") {
		t.Errorf("the worker is at %q, which is not loopback", at)
	}
	compute(t, address, 2)
	w.close(t)
	s.close(t)
}

func TestSchedulerFile(t *testing.T) {
	dir := t.TempDir()
	file, pid := filepath.Join(dir, "scheduler.json"), filepath.Join(dir, "pid")
	w := begin(t, environ(t), "worker", "--scheduler-file", file, "--nthreads=1", "--memory-limit=0") // it waits for the file
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none", "--scheduler-file", file, "--pid-file", pid)
	address := s.says(t, "Scheduler at:")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var id struct{ Address, Type string }
	if err := json.Unmarshal(b, &id); err != nil || id.Address != address || id.Type != "Scheduler" {
		t.Fatalf("%s holds %s", file, b)
	}
	if b, err := os.ReadFile(pid); err != nil || strings.TrimSpace(string(b)) != strconv.Itoa(os.Getpid()) {
		t.Errorf("the pid file has %q, %v", b, err)
	}
	w.says(t, "Worker at:")
	compute(t, address, 1)
	w.close(t)
	s.close(t)
	for _, left := range []string{file, pid} {
		if _, err := os.Stat(left); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", left, err)
		}
	}
	command(t, environ(t), "worker", "--scheduler-file", file, "--death-timeout=20ms").want(t, exitFailed, file, "has no address")
	command(t, environ(t), "worker", "--scheduler-file", write(t, "s.json", "{}"), "--death-timeout=20ms").want(t, exitFailed, "not a scheduler file")
	command(t, environ(t), "worker", "tcp://127.0.0.1:1", "--pid-file", dir).want(t, exitFailed, "pid file")
}

func TestWorkerFindsItsSchedulerInTheEnvironment(t *testing.T) {
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none")
	address := s.says(t, "Scheduler at:")
	w := begin(t, environ(t, "DASK_SCHEDULER_ADDRESS="+address), "worker", "--worker-class=threadpool", "--nthreads=1")
	w.says(t, "Worker at:")
	w.close(t)
	s.close(t)
}

// TestWorkersEndWithTheirScheduler: nobody has to clean up behind a scheduler.
func TestWorkersEndWithTheirScheduler(t *testing.T) {
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none")
	address := s.says(t, "Scheduler at:")
	w := begin(t, environ(t), "worker", address, "--worker-class=threadpool", "--nthreads=1")
	w.says(t, "Worker at:")
	s.close(t)
	w.ends(t)
}

func TestWorkerWithoutAScheduler(t *testing.T) {
	for _, class := range []string{"threadpool", "subprocess"} {
		command(t, environ(t), "worker", "tcp://127.0.0.1:1", "--worker-class", class, "--death-timeout=200ms").
			want(t, exitFailed, "no "+class+" worker joined the scheduler tcp://127.0.0.1:1 (limit 200ms)")
	}
	command(t, environ(t), "worker", "tcp://127.0.0.1:1", "--worker-class=treadpool").want(t, exitFailed, `did you mean "threadpool"?`)
}

func TestSchedulerOnATakenPort(t *testing.T) {
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none")
	address := s.says(t, "Scheduler at:")
	port := address[strings.LastIndex(address, ":")+1:]
	command(t, environ(t), "scheduler", "--port", port, "--dashboard-address=none").want(t, exitFailed, port, "in use")
	s.close(t)
}

// TestClusterEndsWithItsScheduler: for lack of use, or at a client's request.
func TestClusterEndsWithItsScheduler(t *testing.T) {
	r := begin(t, environ(t), "--no-processes", "--n-workers=1", "--dashboard-address=none", "--idle-timeout=1s")
	r.says(t, "Interrupt (Ctrl-C)")
	r.ends(t)
	if got := r.err.String(); got != "gdask: closing, as the scheduler has ended\n" {
		t.Errorf("standard error has %q", got)
	}
}
