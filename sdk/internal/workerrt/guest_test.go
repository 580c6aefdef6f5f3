package workerrt

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// journal is what the plugins of a test did, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (d *journal) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *journal) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// noted is a plugin that writes into a journal.
type noted struct {
	journal *journal
	text    string
}

func (p *noted) Setup(_ context.Context, w hook.Worker) error {
	p.journal.add("setup " + p.text + " on " + w.Name())
	switch p.text {
	case "bad":
		return errors.New("no setup today")
	case "panics":
		panic("no setup at all")
	}
	return nil
}

func (p *noted) Teardown(context.Context, hook.Worker) error {
	p.journal.add("teardown " + p.text)
	return nil
}

// pluginRegistry has the constructor "noted" and returns how to pack its calls.
func pluginRegistry(t *testing.T) (*task.Registry, *journal, func(text string) []byte) {
	t.Helper()
	reg, d := task.NewRegistry(), &journal{}
	f, err := reg.Add("noted", func(text string) hook.WorkerPlugin { return &noted{d, text} })
	if err != nil {
		t.Fatal(err)
	}
	return reg, d, func(text string) []byte {
		c, err := f.NewCall(text)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Pack()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func addPlugin(t *testing.T, w *Worker, name string, packed []byte) (status, text string) {
	t.Helper()
	o := ask(t, w, "plugin-add", map[string]any{"name": name, hook.PluginField: packed})
	status, _ = field(t, o, "status").(string)
	if status != "OK" {
		text, _ = field(t, o, "exception_text").(string)
	}
	return status, text
}

func TestPluginsLiveInTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, d, pack := pluginRegistry(t)
		s := newScheduler(t, memSet(t))
		s.greet = func(*wire.RegisterWorker) any { // one that is there already, one that cannot be
			b := msgp.AppendMapHeader(nil, 2)
			b = msgp.AppendBytes(msgp.AppendString(b, "early"), pack("early"))
			b = msgp.AppendBytes(msgp.AppendString(b, "broken"), pack("bad"))
			return &wire.RegisterWorkerReply{Status: "OK", WorkerPlugins: wire.Opaque{Raw: b}}
		}
		w, _ := s.start(Settings{Registry: reg, Name: "w"})
		if w.Status() != "running" {
			t.Errorf("a plugin that fails keeps the worker from running: %s", w.Status())
		}
		if status, text := addPlugin(t, w, "p", pack("one")); status != "OK" {
			t.Errorf("setup: %s %s", status, text)
		}
		addPlugin(t, w, "p", pack("two"))
		if status, text := addPlugin(t, w, "p", pack("bad")); status != "error" || !strings.Contains(text, "plugin p: setup: no setup today") {
			t.Errorf("setup that fails: %s %q", status, text)
		}
		if status, text := addPlugin(t, w, "q", pack("panics")); status != "error" || !strings.Contains(text, "panic: no setup at all") {
			t.Errorf("setup that panics: %s %q", status, text)
		}
		if o := ask(t, w, "plugin-remove", map[string]any{"name": "p"}); field(t, o, "status") != "error" {
			t.Error("a plugin whose setup failed is still there")
		}
		if err := w.Stop(t.Context(), "end"); err != nil {
			t.Error(err)
		}
		want := []string{
			"setup early on w", "setup bad on w", "setup one on w", "teardown one", "setup two on w",
			"teardown two", "setup bad on w", "setup panics on w", "teardown early",
		}
		if got := d.all(); !slices.Equal(got, want) {
			t.Errorf("happened:\n%q\nwant\n%q", got, want)
		}
	})
}

// follower hears of transitions.
type follower struct {
	noted
	heard chan string
}

func (f *follower) Transition(key wire.Key, from, to string) {
	f.heard <- key.String() + " " + from + " " + to
}

func TestPluginsHearOfTransitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, heard := task.NewRegistry(), make(chan string, 100)
		f, err := reg.Add("follower", func() hook.WorkerPlugin { return &follower{noted{&journal{}, "f"}, heard} })
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.NewCall()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := c.Pack()
		if err != nil {
			t.Fatal(err)
		}
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: func(context.Context, *Job) (any, error) { return 1, nil }, Registry: reg})
		ss.send(compute("before"))
		want[*wire.TaskFinished](ss)
		if status, text := addPlugin(t, w, "p", packed); status != "OK" {
			t.Fatal(status, text)
		}
		ss.send(compute("after"))
		var got []string
		for len(got) == 0 || !strings.HasSuffix(got[len(got)-1], " memory") {
			got = append(got, <-heard)
		}
		if !strings.Contains(got[0], "after") || !strings.Contains(got[len(got)-1], "executing memory") {
			t.Errorf("heard %q", got)
		}
		for _, line := range got {
			if strings.Contains(line, "before") {
				t.Errorf("heard of the past: %q", line)
			}
		}
	})
}

func TestPluginsOfAnotherProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, pack := pluginRegistry(t)
		w, _ := newScheduler(t, memSet(t)).start(Settings{})
		if status, text := addPlugin(t, w, "p", pack("one")); status != "error" || !strings.Contains(text, `"noted"`) {
			t.Errorf("a plugin that this binary lacks: %s %q", status, text)
		}
		if _, err := call(t, w, "plugin-add", map[string]any{"name": "p", "plugin": []byte("pickle")}); err == nil ||
			!strings.Contains(err.Error(), "one of Python's") {
			t.Errorf("a pickle: %v", err)
		}
	})
}

func TestRunSeesTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, ran := task.NewRegistry(), make(chan string, 1)
		who, err := reg.Add("who", func(ctx context.Context) string {
			w := hook.From[hook.Worker](ctx)
			if hook.From[hook.Nanny](ctx) != nil {
				return "a nanny"
			}
			ran <- w.LocalDirectory()
			_ = w.LogEvent("topic", map[string]any{"n": 1})
			return w.Name() + " " + w.Address() + " " + w.Scheduler()
		})
		if err != nil {
			t.Fatal(err)
		}
		w, ss := newScheduler(t, memSet(t)).start(Settings{Registry: reg, Name: "w"})
		c, err := who.NewCall()
		if err != nil {
			t.Fatal(err)
		}
		o, err := runCall(t, w, c)
		if want := "w " + w.Address() + " " + w.Scheduler(); err != nil || field(t, o, "result") != want {
			t.Errorf("got %q, %v, want %q", o.Raw, err, want)
		}
		if dir := <-ran; dir != w.LocalDirectory() {
			t.Errorf("local directory %q", dir)
		}
		if e := want[*wire.LogEvent](ss); e.Topic.Text() != "topic" {
			t.Errorf("event %+v", e)
		}
		packed, err := c.Pack()
		if err != nil {
			t.Fatal(err)
		}
		o = ask(t, w, "run", map[string]any{hook.CallField: packed, "wait": false})
		if field(t, o, "status") != "OK" || field(t, o, "result") != nil {
			t.Errorf("without waiting: %q", o.Raw)
		}
		<-ran
	})
}

func TestUsersFiguresAreInHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := task.NewRegistry()
		for name, f := range map[string]any{
			"startup:gpu": func() string { return "none" },
			"metric:load": func(ctx context.Context) string { return hook.From[hook.Worker](ctx).Name() },
			"metric:bad":  func() (int, error) { return 0, errors.New("no figure") },
			"unrelated":   func() int { return 1 },
		} {
			if err := reg.Register(name, f); err != nil {
				t.Fatal(err)
			}
		}
		s := newScheduler(t, memSet(t))
		_, ss := s.start(Settings{Registry: reg, Name: "w"})
		if o, ok := ss.reg.Extra.Field("gpu"); !ok || o.Text() != "none" {
			t.Errorf("startup information %q", ss.reg.Extra.Raw)
		}
		m := s.beaten()
		if o := (wire.Opaque{Raw: m.Metrics.Raw}); field(t, o, "load") != "w" || field(t, o, "cpu") == nil {
			t.Errorf("metrics %q", o.Raw)
		}
		if _, there := (wire.Opaque{Raw: m.Metrics.Raw}).Field("bad"); there {
			t.Error("a metric that failed is there")
		}
	})
}

func TestAMetricThatHangsDelaysNoHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, hang := task.NewRegistry(), make(chan struct{})
		t.Cleanup(func() { close(hang) })
		calls := 0
		if err := reg.Register("metric:slow", func() int {
			if calls++; calls > 1 {
				<-hang
			}
			return calls
		}); err != nil {
			t.Fatal(err)
		}
		s := newScheduler(t, memSet(t))
		s.start(Settings{Registry: reg})
		for range 5 {
			if m := s.beaten(); field(t, wire.Opaque{Raw: m.Metrics.Raw}, "slow") == nil {
				t.Errorf("metrics %q", m.Metrics.Raw)
			}
		}
	})
}

// A worker that stops does not tell of the figures that it asks for just then.
func TestFiguresOfAWorkerThatStopsHaveNotFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg, asked := task.NewRegistry(), make(chan struct{}, 1)
		calls := 0
		if err := reg.Register("metric:slow", func(ctx context.Context) (int, error) {
			if calls++; calls == 1 {
				return 1, nil
			}
			asked <- struct{}{}
			<-ctx.Done()
			return 0, ctx.Err()
		}); err != nil {
			t.Fatal(err)
		}
		log := new(bytes.Buffer)
		s := newScheduler(t, memSet(t))
		w, _ := s.start(Settings{Registry: reg, Logger: hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Warn})})
		<-asked
		if err := w.Stop(t.Context(), "test"); err != nil {
			t.Error(err)
		}
		if synctest.Wait(); log.Len() > 0 {
			t.Error(log.String())
		}
	})
}
