package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// taskRules give work to a worker.
var taskRules = []rule{
	{name: "worker/registers", check: checkRegisters,
		why:    "the worker registers with the name and slots that it was started with, the runtimes that the class describes, and an address at which it answers",
		remedy: "send register-worker with name, nthreads, address and runtimes"},
	{name: "worker/heartbeats", check: checkHeartbeats,
		why:    "the worker sends heartbeats, or its scheduler takes it for dead",
		remedy: "call heartbeat_worker at the interval that the scheduler's answers name"},
	{name: "worker/tasks", check: checkTasks,
		why:    "each of many tasks ends exactly as asked: finished, or erred with an error that names the function that the worker does not have",
		remedy: "answer every compute-task with task-finished or task-erred, with its key and run_id"},
	{name: "worker/error", check: checkError,
		why:    "a failing task comes back as task-erred with its text, a panic too; the worker lives on",
		remedy: "catch what tasks throw and send it as task-erred with exception and exception_text"},
	{name: "worker/cancel", check: checkCancel,
		why:    "free-keys ends a running task and frees its slot for the next one",
		remedy: "cancel the task's context, or end what runs it, when free-keys names it"},
	{name: "worker/result", check: checkResult,
		why:    "a result is kept and given to a peer that asks with get_data, unchanged, as often as it asks",
		remedy: "keep results until free-keys names them; answer get_data"},
	{name: "worker/dependency", check: checkDependency,
		why:    "the worker fetches what a task depends on from the peer that the scheduler names in who_has, before it runs the task",
		remedy: "ask with get_data at the first address of who_has, then at the others"},
	{name: "worker/large", check: checkLarge,
		why:    "a result of 16 MiB goes to a peer like a small one",
		remedy: "send data in frames of the comm protocol, not over the control connection"},
	{name: "worker/close", check: checkClose,
		why:    "the scheduler's close ends the worker: its stream ends, and the plugin lists it no more",
		remedy: "leave when \"close\" comes; the process stays, its host decides about that"},
	{name: "worker/comes-back", check: checkComesBack,
		why:    "a worker whose connection broke comes back with the same name, or ends; it does not linger unknown to its scheduler",
		remedy: "register again with what is held, or end the worker and report it as exited"},
}

// runnable are the run specs for a class; known says that its workers can run
// them rather than refuse them by name.
type runnable struct {
	*Specs
	known bool
}

// specs finds out what the worker can run.
func (e *env) specs(ctx context.Context, j *joined) (runnable, error) {
	if s := e.program.Specs; s != nil {
		return runnable{s, true}, nil
	}
	s, err := goSpecs()
	if err != nil {
		return runnable{}, err
	}
	if !slices.Contains(j.w.reg.Runtimes, "go") {
		return runnable{}, fmt.Errorf("the worker's runtimes are %q; the suite has run specs for \"go\" only, give Program.Specs for others", j.w.reg.Runtimes)
	}
	if err := j.w.compute("probe", "go", s.Quick); err != nil {
		return runnable{}, err
	}
	m, err := j.w.outcome(ctx, "probe")
	if err != nil {
		return runnable{}, err
	}
	erred, ok := m.(*wire.TaskErred)
	if !ok {
		return runnable{s, true}, nil
	}
	if text := failureText(erred); !strings.Contains(text, echoName) {
		return runnable{}, fmt.Errorf("a call of the function %q, which the worker does not have, fails with %q, which does not name it", echoName, shorten(text))
	}
	e.logf("the class does not have the functions of the suite (suite.RegisterFunctions): tasks are checked by how they are refused")
	return runnable{s, false}, nil
}

// worked is join with the run specs.
func (e *env) worked(ctx context.Context) (*joined, runnable, error) {
	j, err := e.join(ctx)
	if err != nil {
		return nil, runnable{}, err
	}
	s, err := e.specs(ctx, j)
	return j, s, err
}

func checkRegisters(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	d, err := j.description(ctx)
	if err != nil {
		return err
	}
	var errs []error
	got := slices.Sorted(slices.Values(j.w.reg.Runtimes))
	if len(got) == 0 { // what workers of Dask mean by saying nothing
		got = []string{"python"}
	}
	if want := slices.Sorted(slices.Values(d.Runtimes)); !slices.Equal(got, want) {
		errs = append(errs, fmt.Errorf("it registers with the runtimes %q, the description says %q", got, want))
	}
	if j.w.reg.NThreads != 1 {
		errs = append(errs, fmt.Errorf("it registers with %d slots, started with 1", j.w.reg.NThreads))
	}
	call, cancel := within(ctx, "the answer of the worker at its address")
	defer cancel()
	if err := j.s.pool.Call(call, j.w.reg.Address, identity(), nil); err != nil {
		errs = append(errs, fmt.Errorf("it registers with the address %q, at which it does not answer: %w", j.w.reg.Address, err))
	}
	return errors.Join(errs...)
}

// identity is a request that every worker answers.
func identity() wire.Msg {
	o, err := wire.OpaqueOf(map[string]any{"op": "identity"})
	if err != nil {
		o = wire.Opaque{}
	}
	return &wire.UnknownMsg{Name: "identity", Map: o}
}

func checkHeartbeats(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	n := 0
	_, err = j.w.beats.find(ctx, "third heartbeat", func(*wire.HeartbeatWorker) bool {
		n++
		return n == 3
	})
	return err
}

// manyTasks is how many tasks a worker gets at once.
const manyTasks = 200

func checkTasks(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	for i := range manyTasks {
		if err := j.w.compute(fmt.Sprint("many-", i), s.Runtime, s.Quick); err != nil {
			return err
		}
	}
	for i := range manyTasks {
		key := fmt.Sprint("many-", i)
		if s.known {
			err = j.w.finished(ctx, key)
		} else {
			err = j.w.refused(ctx, key, echoName)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refused waits for a task to fail with an error that names the function.
func (w *session) refused(ctx context.Context, key, function string) error {
	text, err := w.failed(ctx, key)
	if err == nil && !strings.Contains(text, function) {
		err = fmt.Errorf("task %s failed with %q, which does not name the function %s", key, shorten(text), function)
	}
	return err
}

func checkError(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	if err := j.w.compute("fails", s.Runtime, s.Fail); err != nil {
		return err
	}
	text, err := j.w.failed(ctx, "fails")
	if err != nil {
		return err
	}
	if want := map[bool]string{true: failText, false: failName}[s.known]; s.Runtime == "go" && !strings.Contains(text, want) {
		return fmt.Errorf("the error came back as %q, want %q in it", shorten(text), want)
	}
	if text == "" {
		return errors.New("task-erred has neither an exception nor its text")
	}
	if s.Runtime == "go" && s.known {
		spec, err := goCall(panicName, "wanted panic")
		if err != nil {
			return err
		}
		if err := j.w.compute("panics", s.Runtime, spec); err != nil {
			return err
		}
		if err := j.w.refused(ctx, "panics", "wanted panic"); err != nil {
			return err
		}
	}
	return j.health(ctx)
}

func checkCancel(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	if !s.known || len(s.Wait.Raw) == 0 {
		e.logf("no run spec that waits is given; cancelling was not checked")
		return nil
	}
	if err := j.w.compute("waits", s.Runtime, s.Wait); err != nil {
		return err
	}
	if err := j.w.running(ctx, "waits"); err != nil {
		return err
	}
	if err := j.w.compute("next", s.Runtime, s.Quick); err != nil {
		return err
	}
	if err := j.w.tell(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("waits")}, StimulusID: "suite"}); err != nil {
		return err
	}
	return j.w.finished(ctx, "next")
}
