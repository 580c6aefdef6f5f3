//go:build unix

package gdask

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/worker"
)

var (
	_ = Func[int]("warm-up", func(phase string, args []string) (int, error) {
		return 0, os.WriteFile(args[0]+"."+phase, []byte(strings.Join(args, " ")), 0o600)
	})
	exitZero = Func[int]("exit-zero", func() int { os.Exit(0); return 0 })
)

func oneProcess() LocalOptions {
	return LocalOptions{NWorkers: new(1), ThreadsPerWorker: new(1), DashboardAddress: "none"}
}

// until polls what no event tells.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(60 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestLifetimeRestartsAWorker(t *testing.T) {
	ctx := within(t, 90*time.Second)
	o := oneProcess()
	o.Lifetime = plugins.Lifetime{Duration: 500 * time.Millisecond, Stagger: 100 * time.Millisecond, Restart: true}
	c := newClient(t, ctx, o)
	seen := map[int]bool{}
	until(t, "a second process", func() bool {
		pids, err := Run(ctx, c, ownPid, RunOptions{OnError: OnErrorIgnore})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pids {
			seen[p] = true
		}
		return len(seen) > 1
	})
	if got, err := inc.Submit(c, 1).Result(ctx); err != nil || got != 2 {
		t.Errorf("got %d, %v", got, err)
	}
}

// TestLifetimeHandsDataOn: a result outlives the process that made it, and is not
// made again: it would be another process's then.
func TestLifetimeHandsDataOn(t *testing.T) {
	ctx := within(t, 90*time.Second)
	o := oneProcess()
	c := newClient(t, ctx, o) // its worker stays
	must(t, c.WaitForWorkers(ctx, 1))
	o.NWorkers, o.Lifetime = new(0), plugins.Lifetime{Duration: 500 * time.Millisecond, Restart: true}
	host := newClient(t, ctx, o).Cluster().(*LocalCluster).host
	w, err := host.StartWorker(ctx, ClassSubprocess, false, worker.StartOptions{Scheduler: c.SchedulerAddress(), Name: "aging", NThreads: 1})
	must(t, err)
	defer func() { must(t, w.Stop(ctx, "the test is over")) }()
	f := pid.With(Options{Workers: []string{"aging"}, Impure: true}).Submit(c, 1)
	maker, err := f.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the end of the process that made the result", func() bool {
		return errors.Is(syscall.Kill(maker, 0), syscall.ESRCH)
	})
	if got, err := inc.Submit(c, f).Result(ctx); err != nil || got != maker+1 {
		t.Errorf("the result was %d, and one more is %d, %v", maker, got, err)
	}
}

func TestLifetimeEndsWorkersInThisProcess(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["threads"]
	o.Lifetime = plugins.Lifetime{Duration: 200 * time.Millisecond}
	c := newClient(t, ctx, o)
	local := c.Cluster().(*LocalCluster)
	until(t, "the end of all workers", func() bool { return len(local.Workers()) == 0 })
}

func TestARestartedWorkerHandsItsDataOn(t *testing.T) {
	ctx, c := twoProcesses(t)
	f := pid.With(Options{Workers: []string{"0"}, Impure: true}).Submit(c, 1)
	before, err := f.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RestartWorkers(ctx, []string{"0"}, 0); err != nil {
		t.Fatal(err)
	}
	if after, err := f.Result(ctx); err != nil || after != before {
		t.Errorf("the result was %d and is %d, %v: it was made again", before, after, err)
	}
	if held, err := c.WhoHas(ctx, f); err != nil || len(held[f.Key()]) == 0 {
		t.Errorf("held by %v, %v", held, err)
	}
}

// The environment that the nanny is given wins over the real one, and that over
// what configuration says.
func TestNannyEnvironment(t *testing.T) {
	ctx := within(t, 60*time.Second)
	for _, n := range []string{"GDASK_TEST_A", "GDASK_TEST_B"} {
		t.Setenv(n, "real")
	}
	o := oneProcess()
	o.Env = map[string]string{"GDASK_TEST_A": "given"}
	o.Nanny.Environ = map[string]string{"GDASK_TEST_A": "config", "GDASK_TEST_B": "config", "GDASK_TEST_C": "config"}
	c := newClient(t, ctx, o)
	for name, want := range map[string]string{
		"GDASK_TEST_A": "given", "GDASK_TEST_B": "real", "GDASK_TEST_C": "config", "MALLOC_TRIM_THRESHOLD_": "65536",
	} {
		if set, ok := os.LookupEnv(name); ok && want != "given" {
			want = set
		}
		got, err := Run(ctx, c, getenv, RunOptions{}, name)
		for _, v := range got {
			if err != nil || v != want {
				t.Errorf("%s is %q, %v, want %q", name, v, err, want)
			}
		}
	}
}

func TestPreloads(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	script := "#!/bin/sh\necho \"$GDASK_PRELOAD_ROLE $*\" >> " + dir + "/log\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	o := oneProcess()
	o.Preload = hook.Preload{Names: []string{"warm-up", program, "no-such-preload"}, Args: []string{dir + "/function", "x"}}
	o.SchedulerPreload = hook.Preload{Names: []string{program}}
	o.Nanny.Preload = hook.Preload{Names: []string{program}}
	c, err := NewLocalCluster(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, phase := range []string{"setup", "teardown"} {
		if b, err := os.ReadFile(dir + "/function." + phase); err != nil || string(b) != dir+"/function x" {
			t.Errorf("function, %s: %q, %v", phase, b, err)
		}
	}
	log, err := os.ReadFile(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"scheduler setup", "nanny setup", "worker setup " + dir + "/function x",
		"worker teardown " + dir + "/function x", "nanny teardown", "scheduler teardown",
	} {
		if strings.Count(string(log), line+"\n") != 1 {
			t.Errorf("%q is not there once:\n%s", line, log)
		}
	}
}

func TestBlockedHandlers(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := oneProcess()
	o.BlockedHandlers, o.WorkerBlockedHandlers, o.Nanny.Blocked = []string{"run_function"}, []string{"run"}, []string{"run"}
	c := newClient(t, ctx, o)
	_, onScheduler := RunOnScheduler(ctx, c, whoami)
	_, onWorkers := Run(ctx, c, whoami, RunOptions{})
	_, onNannies := Run(ctx, c, whoami, RunOptions{Nanny: true})
	for who, err := range map[string]error{"Scheduler": onScheduler, "Worker": onWorkers, "Nanny": onNannies} {
		if err == nil || !strings.Contains(err.Error(), "handler has been explicitly disallowed in "+who) {
			t.Errorf("%s: %v", who, err)
		}
	}
	if got, err := inc.Submit(c, 1).Result(ctx); err != nil || got != 2 {
		t.Errorf("others are blocked as well: %d, %v", got, err)
	}
}

// A worker whose process ended with exit code 0 is started again, like any other.
func TestExitCodeZeroIsNoReasonToStayAway(t *testing.T) {
	ctx := within(t, 60*time.Second)
	c := newClient(t, ctx, oneProcess())
	before, err := Run(ctx, c, ownPid, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = Run(ctx, c, exitZero, RunOptions{}) // its answer is lost with the process
	until(t, "another process", func() bool {
		after, err := Run(ctx, c, ownPid, RunOptions{OnError: OnErrorIgnore})
		if err != nil {
			t.Fatal(err)
		}
		for address, p := range after {
			return before[address] != p
		}
		return false
	})
}
