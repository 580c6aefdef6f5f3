//go:build unix

package gdask

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/hook"
)

// Code that the tests run inside of workers, nannies and the scheduler.
var (
	whoami    = Func[string]("whoami", whereIRun)
	ownPid    = Func[int]("own-pid", os.Getpid)
	getenv    = Func[string]("getenv", os.Getenv)
	refuse    = Func[int]("refuse", func(ctx context.Context, name string) (int, error) { return 1, refuseOn(ctx, name) })
	notePlug  = Func[WorkerPlugin]("note-plugin", func(text string) WorkerPlugin { return &notePlugin{text} })
	envPlug   = Func[NannyPlugin]("env-plugin", func(name, value string) NannyPlugin { return &envPlugin{name, value} })
	countPlug = Func[SchedulerPlugin]("count-plugin", func(start string) (SchedulerPlugin, error) { return &counter{start: start}, nil })
	noted     = Func[string]("noted", func() string { s, _ := note.Load().(string); return s })
)

func init() {
	MetricFunc("answer", func() int { return 42 })
	InfoFunc("colour", func() string { return "green" })
}

func whereIRun(ctx context.Context) string {
	if w, err := CurrentWorker(ctx); err == nil {
		return "worker " + w.Address()
	}
	if n, err := CurrentNanny(ctx); err == nil {
		return "nanny of " + n.Worker()
	}
	s, err := CurrentScheduler(ctx)
	if err != nil {
		return err.Error()
	}
	return "scheduler " + s.Address()
}

func refuseOn(ctx context.Context, name string) error {
	w, err := CurrentWorker(ctx)
	if err == nil && w.Name() == name {
		err = errors.New("not on " + name)
	}
	return err
}

var note atomic.Value // of the worker plugin of this process

type notePlugin struct{ text string }

func (p *notePlugin) Setup(_ context.Context, w hook.Worker) error {
	if p.text == "bad" && w.Name() == "1" {
		return errors.New("no notes here")
	}
	note.Store(p.text)
	return nil
}

func (p *notePlugin) Teardown(context.Context, hook.Worker) error {
	note.Store("torn down " + p.text)
	return nil
}

// envPlugin sets a variable in worker processes, which must start again for that.
type envPlugin struct{ name, value string }

func (p *envPlugin) Setup(_ context.Context, n hook.Nanny) error {
	n.Setenv(p.name, p.value)
	return nil
}

func (p *envPlugin) Teardown(_ context.Context, n hook.Nanny) error {
	n.Unsetenv(p.name)
	return nil
}

func (p *envPlugin) Restart() bool { return true }

// counted is what the scheduler plugin of this process has heard.
var counted struct{ transitions, workers, restarts, closed atomic.Int64 }

type counter struct{ start string }

func (p *counter) Start(context.Context, hook.Scheduler) error {
	if p.start == "bad" {
		return errors.New("no counting today")
	}
	return nil
}

func (p *counter) Close(context.Context) error { counted.closed.Add(1); return nil }
func (p *counter) Restart() {
	if p.start == "good" {
		counted.restarts.Add(1)
	}
}
func (p *counter) AddWorker(string) { counted.workers.Add(1) }
func (p *counter) Transition(t hook.Transition) {
	if p.start == "panic" {
		panic("cannot count")
	}
	if t.To == "memory" {
		counted.transitions.Add(1)
	}
}

func twoProcesses(t *testing.T) (context.Context, *Client) {
	t.Helper()
	ctx := within(t, 90*time.Second)
	return ctx, newClient(t, ctx, modes["processes"])
}

func TestRunReachesWorkersNanniesAndScheduler(t *testing.T) {
	ctx, c := twoProcesses(t)
	got, err := Run(ctx, c, whoami, RunOptions{})
	if err != nil || len(got) != 2 {
		t.Fatalf("workers: %v, %v", got, err)
	}
	for address, said := range got {
		if said != "worker "+address {
			t.Errorf("worker %s says %q", address, said)
		}
	}
	if got, err = Run(ctx, c, whoami, RunOptions{Nanny: true, Workers: []string{"0"}}); err != nil || len(got) != 1 {
		t.Fatalf("nannies: %v, %v", got, err)
	}
	for address, said := range got {
		if said != "nanny of "+address {
			t.Errorf("nanny of %s says %q", address, said)
		}
	}
	said, err := RunOnScheduler(ctx, c, whoami)
	if err != nil || said != "scheduler "+c.SchedulerAddress() {
		t.Errorf("the scheduler says %q, %v", said, err)
	}
	if said, err = whoami.Submit(c).Result(ctx); err != nil || !strings.HasPrefix(said, "worker tcp://") {
		t.Errorf("a task says %q, %v", said, err)
	}
}

func TestRunOnError(t *testing.T) {
	ctx, c := twoProcesses(t)
	if got, err := Run(ctx, c, refuse, RunOptions{}, "1"); err == nil || got != nil || !strings.Contains(err.Error(), "not on 1") {
		t.Errorf("raise: %v, %v", got, err)
	}
	got, err := Run(ctx, c, refuse, RunOptions{OnError: OnErrorReturn}, "1")
	failed, ok := errors.AsType[*RunErrors](err)
	if len(got) != 1 || !ok || len(failed.Errors) != 1 {
		t.Errorf("return: %v, %v", got, err)
	}
	if got, err = Run(ctx, c, refuse, RunOptions{OnError: OnErrorIgnore}, "1"); len(got) != 1 || err != nil {
		t.Errorf("ignore: %v, %v", got, err)
	}
	if got, err = Run(ctx, c, refuse, RunOptions{NoWait: true}, "1"); len(got) != 0 || err != nil {
		t.Errorf("without waiting: %v, %v", got, err)
	}
	if _, err := Run(ctx, c, refuse, RunOptions{Workers: []string{"nobody"}}, "1"); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("unknown worker: %v", err)
	}
	if _, err := Run(ctx, c, inc, RunOptions{}, inc.Submit(c, 1)); err == nil || !strings.Contains(err.Error(), "takes no futures") {
		t.Errorf("a future: %v", err)
	}
}

func TestRestart(t *testing.T) {
	ctx, c := twoProcesses(t)
	before, err := Run(ctx, c, ownPid, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := inc.Submit(c, 1)
	if _, err := f.Result(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(ctx, RestartOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Result(ctx); err == nil {
		t.Error("a future outlived the restart")
	}
	after, err := Run(ctx, c, ownPid, RunOptions{})
	if err != nil || len(after) != 2 {
		t.Fatalf("after: %v, %v", after, err)
	}
	for _, p := range before {
		if syscall.Kill(p, 0) == nil {
			t.Errorf("process %d is still there", p)
		}
	}
	if got, err := inc.Submit(c, 1).Result(ctx); err != nil || got != 2 {
		t.Errorf("got %d, %v", got, err)
	}
}

func TestRestartWorkersKillsAFrozenOne(t *testing.T) {
	ctx, c := twoProcesses(t)
	pids, err := Run(ctx, c, ownPid, RunOptions{})
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := Run(ctx, c, ownPid, RunOptions{Workers: []string{"0"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range frozen {
		if err := syscall.Kill(p, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.RestartWorkers(ctx, []string{"0"}, 0)
	if err != nil || got["0"] != RestartOK {
		t.Fatalf("restart: %v, %v", got, err)
	}
	after, err := Run(ctx, c, ownPid, RunOptions{})
	if err != nil || len(after) != 2 {
		t.Fatalf("after: %v, %v", after, err)
	}
	same := 0
	for address, p := range pids {
		if after[address] == p {
			same++
		}
	}
	if same != 1 {
		t.Errorf("before %v, after %v: only worker 0 was to be replaced", pids, after)
	}
	if _, err := c.RestartWorkers(ctx, []string{"7"}, 0); err == nil || !strings.Contains(err.Error(), `"7"`) {
		t.Errorf("unknown worker: %v", err)
	}
}

func TestRestartWithoutNannies(t *testing.T) {
	ctx := within(t, 30*time.Second)
	c := newClient(t, ctx, modes["threads"])
	got, err := c.RestartWorkers(ctx, []string{"0"}, 100*time.Millisecond)
	if err != nil || got["0"] != RestartRemoved {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWorkerPlugins(t *testing.T) {
	ctx, c := twoProcesses(t)
	check := func(want string, n int) {
		t.Helper()
		got, err := Run(ctx, c, noted, RunOptions{})
		if err != nil || len(got) != n {
			t.Fatalf("%v, %v", got, err)
		}
		for address, said := range got {
			if said != want {
				t.Errorf("worker %s has %q, want %q", address, said, want)
			}
		}
	}
	if err := c.RegisterWorkerPlugin(ctx, notePlug, PluginOptions{}, "one"); err != nil {
		t.Fatal(err)
	}
	check("one", 2)
	if err := c.RegisterWorkerPlugin(ctx, notePlug, PluginOptions{Idempotent: true}, "two"); err != nil {
		t.Fatal(err)
	}
	check("one", 2)
	if err := c.RegisterWorkerPlugin(ctx, notePlug, PluginOptions{}, "three"); err != nil {
		t.Fatal(err)
	}
	if err := c.Cluster().(*LocalCluster).Scale(3); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkers(ctx, 3); err != nil {
		t.Fatal(err)
	}
	check("three", 3) // one that joined later has it as well
	if err := c.UnregisterWorkerPlugin(ctx, "note-plugin"); err != nil {
		t.Fatal(err)
	}
	check("torn down three", 3)
	err := c.RegisterWorkerPlugin(ctx, notePlug, PluginOptions{Name: "bad"}, "bad")
	if err == nil || !strings.Contains(err.Error(), "no notes here") || !strings.Contains(err.Error(), "tcp://") {
		t.Errorf("a setup that fails: %v", err)
	}
	if err := c.UnregisterWorkerPlugin(ctx, "nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("unknown plugin: %v", err)
	}
}

func TestNannyPluginRestartsItsWorker(t *testing.T) {
	ctx, c := twoProcesses(t)
	if err := c.RegisterNannyPlugin(ctx, envPlug, PluginOptions{}, "GDASK_TEST_COLOUR", "blue"); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkers(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.Cluster().(*LocalCluster).Scale(3); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkers(ctx, 3); err != nil {
		t.Fatal(err)
	}
	got, err := Run(ctx, c, getenv, RunOptions{}, "GDASK_TEST_COLOUR")
	if err != nil || len(got) != 3 {
		t.Fatalf("%v, %v", got, err)
	}
	for address, v := range got {
		if v != "blue" {
			t.Errorf("worker %s has %q", address, v)
		}
	}
}

func TestSchedulerPlugins(t *testing.T) {
	ctx, c := twoProcesses(t)
	counted.transitions.Store(0)
	counted.restarts.Store(0)
	counted.closed.Store(0)
	if err := c.RegisterSchedulerPlugin(ctx, countPlug, PluginOptions{}, "good"); err != nil {
		t.Fatal(err)
	}
	if err := c.RegisterSchedulerPlugin(ctx, countPlug, PluginOptions{Name: "panics"}, "panic"); err != nil {
		t.Fatal(err)
	}
	if _, err := Gather(ctx, inc.Map(c, []int{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(ctx, RestartOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.UnregisterSchedulerPlugin(ctx, "count-plugin"); err != nil { // after all that it is to hear of
		t.Fatal(err)
	}
	if n := counted.transitions.Load(); n != 3 {
		t.Errorf("%d transitions to memory", n)
	}
	if counted.restarts.Load() != 1 || counted.closed.Load() != 1 {
		t.Errorf("%d restarts, closed %d times", counted.restarts.Load(), counted.closed.Load())
	}
	err := c.RegisterSchedulerPlugin(ctx, countPlug, PluginOptions{}, "bad")
	if err == nil || !strings.Contains(err.Error(), "no counting today") {
		t.Errorf("a start that fails: %v", err)
	}
}

func TestUsersFiguresAreInTheSchedulersInfo(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			info, err := c.core.SchedulerInfo(ctx)
			if err != nil {
				t.Fatal(err)
			}
			workers, _ := info["workers"].(map[string]any)
			for address, w := range workers {
				m, _ := w.(map[string]any)
				metrics, _ := m["metrics"].(map[string]any)
				if m["colour"] != "green" || metrics["answer"] != int64(42) {
					t.Errorf("worker %s: colour %v, metrics %v", address, m["colour"], metrics)
				}
			}
		})
	}
}
