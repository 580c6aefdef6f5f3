package nanny

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// recorder notes what a nanny has it do; restart is how a restart ends.
type recorder struct {
	mu      sync.Mutex
	notes   []string
	restart func(ctx context.Context) error
}

func (r *recorder) note(s string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, s)
	return nil
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notes)
}

func (r *recorder) Kill(_ context.Context, reason string) error { return r.note("kill " + reason) }
func (r *recorder) Restart(ctx context.Context, reason string) error {
	_ = r.note("restart " + reason)
	if r.restart != nil {
		return r.restart(ctx)
	}
	return nil
}
func (r *recorder) AwaitReady(context.Context) error            { return r.note("await") }
func (r *recorder) Gracefully()                                 { _ = r.note("gracefully") }
func (r *recorder) Stop(_ context.Context, reason string) error { return r.note("stop " + reason) }
func (r *recorder) Worker() string                              { return "tcp://127.0.0.1:1" }
func (r *recorder) Pid() int                                    { return 7 }

func transports(t *testing.T) *comm.Set {
	t.Helper()
	set, err := comm.NewSet(comm.TCP())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// begin starts a nanny that is closed with the test.
func begin(t *testing.T, s Settings) *Nanny {
	t.Helper()
	s.Transports, s.Logger, s.Name = transports(t), hclog.NewNullLogger(), "w"
	if s.Scheduler == "" {
		s.Scheduler = "tcp://127.0.0.1:1"
	}
	n, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func ask(t *testing.T, n *Nanny, op string, fields map[string]any) (any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if fields == nil {
		fields = map[string]any{}
	}
	o, err := wire.OpaqueOf(fields)
	if err != nil {
		t.Fatal(err)
	}
	pool := wire.NewPool(n.set.Transports.Dial, wire.Settings{}, 0)
	defer pool.Close()
	o, err = pool.CallRaw(ctx, n.Address(), &wire.UnknownMsg{Name: op, Map: o})
	if err != nil {
		return nil, err
	}
	v, _, err := msgp.ReadIntfBytes(o.Raw)
	return v, err
}

func TestOperations(t *testing.T) {
	n, r := begin(t, Settings{}), &recorder{}
	if _, err := ask(t, n, "kill", nil); err == nil || !strings.Contains(err.Error(), "started for the first time") {
		t.Errorf("before there is a process: %v", err)
	}
	n.Supervise(r)
	for op, want := range map[string]any{
		"kill": nil, "restart": "OK", "instantiate": "running", "close_gracefully": nil, "terminate": "OK",
	} {
		if got, err := ask(t, n, op, map[string]any{"reason": "test", "timeout": 3}); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", op, got, err, want)
		}
	}
	id, err := ask(t, n, "identity", nil)
	if m, ok := id.(map[string]any); err != nil || !ok || m["type"] != "Nanny" || m["worker"] != r.Worker() {
		t.Errorf("identity %v, %v", id, err)
	}
	if _, err := ask(t, n, "nonsense", nil); err == nil || !strings.Contains(err.Error(), `"nonsense"`) || !strings.Contains(err.Error(), "plugin_add") {
		t.Errorf("unknown: %v", err)
	}
	lines, err := ask(t, n, "get_logs", map[string]any{"n": 2})
	if l, ok := lines.([]any); err != nil || !ok || len(l) != 2 {
		t.Errorf("logs %v, %v", lines, err)
	}
	if err := n.Close(); err != nil { // waits for terminate
		t.Error(err)
	}
	got := r.all()
	slices.Sort(got)
	if want := []string{"await", "gracefully", "kill test", "restart test", "stop test"}; !slices.Equal(got, want) {
		t.Errorf("asked for %q, want %q", got, want)
	}
}

func TestRestartThatTakesTooLong(t *testing.T) {
	n := begin(t, Settings{})
	n.Supervise(&recorder{restart: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	if got, err := ask(t, n, "restart", map[string]any{"timeout": "20 ms"}); err != nil || got != "timed out" {
		t.Errorf("got %v, %v", got, err)
	}
	n.Supervise(&recorder{restart: func(context.Context) error { return errors.New("no program") }})
	if _, err := ask(t, n, "restart", nil); err == nil || !strings.Contains(err.Error(), "no program") {
		t.Errorf("got %v", err)
	}
}

func TestBlockedOperations(t *testing.T) {
	n := begin(t, Settings{Blocked: []string{"run"}})
	_, err := ask(t, n, "run", nil)
	remote, ok := errors.AsType[*wire.RemoteError](err)
	if !ok || !strings.Contains(err.Error(), "'run' handler has been explicitly disallowed in Nanny") {
		t.Fatalf("got %v", err)
	}
	pickle, _, _ := msgp.ReadBytesZC(remote.Exception.Raw)
	if !strings.HasPrefix(string(pickle), "cbuiltins\nValueError\n(VThe 'run' handler") {
		t.Errorf("for Python: %q", pickle)
	}
	if got, err := ask(t, n, "ping", nil); err != nil || got != "pong" {
		t.Errorf("others: %v, %v", got, err)
	}
}

// colour is a plugin that changes the environment.
type colour struct{ value string }

func (c *colour) Setup(_ context.Context, n hook.Nanny) error {
	n.Setenv("COLOUR", c.value)
	if c.value == "none" {
		return errors.New("no such colour")
	}
	return nil
}

func (c *colour) Teardown(_ context.Context, n hook.Nanny) error { n.Unsetenv("COLOUR"); return nil }
func (c *colour) Restart() bool                                  { return true }

func colours(t *testing.T) (*task.Registry, func(string) []byte) {
	t.Helper()
	reg := task.NewRegistry()
	f, err := reg.Add("colour", func(v string) hook.NannyPlugin { return &colour{v} })
	if err != nil {
		t.Fatal(err)
	}
	return reg, func(v string) []byte {
		c, err := f.NewCall(v)
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

func TestPluginsChangeTheEnvironmentAndRestart(t *testing.T) {
	reg, pack := colours(t)
	n, r := begin(t, Settings{Registry: reg}), &recorder{}
	n.Supervise(r)
	add := func(v string) string {
		got, err := ask(t, n, "plugin_add", map[string]any{"name": "p", hook.PluginField: pack(v)})
		m, _ := got.(map[string]any)
		if err != nil || m == nil {
			t.Fatalf("%v, %v", got, err)
		}
		s, _ := m["status"].(string)
		return s
	}
	if s := add("red"); s != "OK" || n.Environ()["COLOUR"] != "red" {
		t.Errorf("%s, %v", s, n.Environ())
	}
	if s := add("none"); s != "error" {
		t.Errorf("a setup that fails: %s", s)
	}
	if got := r.all(); !slices.Equal(got, []string{"restart nanny-plugin-restart"}) {
		t.Errorf("asked for %q", got)
	}
}

// fakeScheduler answers register_nanny once it is there and hears the confirmation.
func fakeScheduler(t *testing.T, address string, set *comm.Set, plugins wire.Opaque) chan string {
	t.Helper()
	l, err := set.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heard := make(chan string, 4)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		if in, err := c.Recv(); err == nil {
			heard <- in.Msgs[0].Op()
		}
		o, err := wire.OpaqueOf(map[string]any{"status": "OK", "nanny-plugins": plugins})
		if err != nil || c.SendValue(o) != nil {
			return
		}
		if in, err := c.Recv(); err == nil {
			s, _ := in.Raw.Field("status")
			heard <- s.Text()
		}
	}()
	return heard
}

func TestJoinInstallsTheSchedulersPlugins(t *testing.T) {
	reg, pack := colours(t)
	set := transports(t)
	free, err := set.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.ContactAddress()
	_ = free.Close()
	n := begin(t, Settings{Registry: reg, Scheduler: address})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	joined := make(chan error, 1)
	go func() { joined <- n.Join(ctx) }() // the scheduler is not there yet
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendBytes(msgp.AppendString(b, "p"), pack("green"))
	heard := fakeScheduler(t, address, set, wire.Opaque{Raw: b})
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	if op, status := <-heard, <-heard; op != "register_nanny" || status != "ok" {
		t.Errorf("the scheduler heard %q and %q", op, status)
	}
	if n.Environ()["COLOUR"] != "green" {
		t.Errorf("environment %v", n.Environ())
	}
}
