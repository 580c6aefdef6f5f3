package workerrt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// gate is a value whose encoding waits.
type gate struct {
	entered chan struct{}
	open    chan struct{}
}

func (g *gate) MarshalBinary() ([]byte, error) {
	g.entered <- struct{}{}
	<-g.open
	return []byte("through"), nil
}

func value(v any) func(context.Context, *Job) (any, error) {
	return func(context.Context, *Job) (any, error) { return v, nil }
}

func TestGetDataGivesWhatIsHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value("x"), "none": value(nil)}.run})
		ss.send(compute("a"), compute("none"))
		finished(t, ss, "a")
		finished(t, ss, "none")
		r := askData(t, w, "a", "nowhere", "none")
		if r.Status != "OK" || len(r.Data) != 2 || r.Data[0].Key.String() != "a" || r.Data[1].Key.String() != "none" {
			t.Fatalf("got %+v", r)
		}
		if !r.Data[1].Value.IsNil() {
			t.Errorf("nil travels as %q", r.Data[1].Value.Raw)
		}
		if got := result[string](t, w, "a"); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

// dialWorker is a client that speaks the protocol by hand.
func dialWorker(t *testing.T, w *Worker) *wire.Conn {
	t.Helper()
	nc, err := w.set.Transports.Dial(t.Context(), w.Address())
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.NewConn(t.Context(), nc, wire.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestOneConnectionManyRequests: what a client may leave out or send besides does
// not put requests and answers out of step.
func TestOneConnectionManyRequests(t *testing.T) {
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{Run: works{"a": value("x")}.run})
	ss.send(compute("a"))
	finished(t, ss, "a")
	c := dialWorker(t, w)
	get := &wire.GetData{Keys: wire.KeySet{wire.StrKey("a")}}
	for i := range 3 {
		var r wire.GetDataReply
		if err := c.Call(get, &r); err != nil || len(r.Data) != 1 {
			t.Fatalf("request %d: %+v, %v", i, r, err)
		}
		if i == 1 { // Dask's clients say so, others need not
			if err := c.SendValue("OK"); err != nil {
				t.Fatal(err)
			}
		}
	}
	quiet, err := wire.OpaqueOf(map[string]any{"op": "ping", "reply": false})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(&wire.UnknownMsg{Name: "ping", Map: quiet}); err != nil {
		t.Fatal(err)
	}
	var r wire.GetDataReply
	if err := c.Call(get, &r); err != nil || r.Status != "OK" {
		t.Fatalf("after a request without answer: %+v, %v", r, err)
	}
	if err := c.Send(&wire.CloseWorker{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(); err == nil {
		t.Error("the conversation goes on after its close")
	}
	if w.Status() != "running" {
		t.Errorf("the end of a conversation made the worker %s", w.Status())
	}
}

// TestBusyWhenTooManyAsk: twenty of this host at once, one when paused, and those
// that were served make room.
func TestBusyWhenTooManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{make(chan struct{}), make(chan struct{})}
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"slow": value(g), "a": value("x")}.run})
		ss.send(compute("slow"), compute("a"))
		finished(t, ss, "slow")
		finished(t, ss, "a")
		served := make(chan *wire.GetDataReply)
		for range 2 * 10 {
			go func() { served <- askData(t, w, "slow") }()
			<-g.entered
		}
		if r := askData(t, w, "a"); r.Status != "busy" || len(r.Data) > 0 {
			t.Errorf("one more than the limit: %+v", r)
		}
		close(g.open)
		for range 2 * 10 {
			if r := <-served; r.Status != "OK" || len(r.Data) != 1 {
				t.Errorf("got %+v", r)
			}
		}
		synctest.Wait()
		if got := result[string](t, w, "a"); got != "x" {
			t.Errorf("got %q", got)
		}
		w.setStatus("paused")
		g.open = make(chan struct{})
		go func() { served <- askData(t, w, "slow") }()
		<-g.entered
		if r := askData(t, w, "a"); r.Status != "busy" {
			t.Errorf("second at a paused worker: %+v", r)
		}
		close(g.open)
		<-served
	})
}

// TestValuesThatCannotLeave: the asker gets the reason and the worker goes on.
func TestValuesThatCannotLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{
			"panics": value(badBinary{1}), "chan": value(make(chan int)), "good": value("x"),
		}.run})
		ss.send(compute("panics"), compute("chan"), compute("good"))
		for _, k := range []string{"panics", "chan", "good"} {
			finished(t, ss, k)
		}
		for key, text := range map[string]string{"panics": "no bytes", "chan": "chan int"} {
			pool := wire.NewPool(w.set.Transports.Dial, wire.Settings{}, 0)
			_, err := pool.GetData(t.Context(), w.Address(), &wire.GetData{Keys: wire.KeySet{wire.StrKey(key)}})
			remote, ok := errors.AsType[*wire.RemoteError](err)
			if !ok || !strings.Contains(remote.ExceptionText, text) || !strings.Contains(remote.ExceptionText, key) {
				t.Errorf("%s: got %v", key, err)
			}
			_ = pool.Close()
		}
		if got := result[string](t, w, "good"); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

func TestScatteredValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: inputs})
		o, err := task.EncodeValue("hello")
		if err != nil {
			t.Fatal(err)
		}
		var r wire.UpdateDataReply
		up := &wire.UpdateData{Data: wire.DataMap{{Key: wire.StrKey("in"), Value: o}}}
		if err := dialWorker(t, w).Call(up, &r); err != nil {
			t.Fatal(err)
		}
		if r.Status != "OK" || len(r.Nbytes) != 1 || r.Nbytes[0].Nbytes != int64(len(o.Raw)) {
			t.Errorf("got %+v", r)
		}
		ss.send(compute("sum", on("in", w.Address())))
		finished(t, ss, "sum")
		if got := result[string](t, w, "sum"); got != "[in=hello]" {
			t.Errorf("got %s", got)
		}
	})
}

func TestSmallRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Name: "bob", Run: works{}.run})
		ss.send(compute("a"), compute("b"))
		finished(t, ss, "a")
		finished(t, ss, "b")
		if name := field(t, ask(t, w, "identity", nil), "name"); name != "bob" {
			t.Errorf("identity has the name %v", name)
		}
		keys, err := task.DecodeValue(ask(t, w, "keys", nil), nil)
		if list, ok := keys.([]any); err != nil || !ok || len(list) != 2 || !slices.Contains(list, any("a")) {
			t.Errorf("keys: %v, %v", keys, err)
		}
		if status := field(t, ask(t, w, "free_keys", map[string]any{"keys": []any{"a"}}), "status"); status != "OK" {
			t.Errorf("free_keys: %v", status)
		}
		if r := askData(t, w, "a", "b"); len(r.Data) != 1 {
			t.Errorf("after free_keys: %+v", r)
		}
		logs, err := task.DecodeValue(ask(t, w, "get_logs", map[string]any{"n": 1}), nil)
		if lines, ok := logs.([]any); err != nil || !ok || len(lines) != 1 || !strings.Contains(fmt.Sprint(lines), "is=running") {
			t.Errorf("the newest line is %v, %v", logs, err)
		}
		if o := ask(t, w, "versions", nil); !strings.Contains(string(o.Raw), "go1") {
			t.Errorf("versions: %q", o.Raw)
		}
		for op, text := range map[string]string{
			"actor_execute": "field actor", "plugin-add": "no name", "nonsense": `unknown operation "nonsense"`,
			"run": "registered functions only", "gather": "", "free_keys": "",
		} {
			fields := map[string]any{}
			if text == "" {
				fields, text = map[string]any{"who_has": 3, "keys": 3}, op
			}
			if _, err := call(t, w, op, fields); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: got %v", op, err)
			}
		}
	})
}

func TestRunCallsARegisteredFunctionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := task.NewRegistry()
		add, err := reg.Add("add", func(a, b int) int { return a + b })
		if err != nil {
			t.Fatal(err)
		}
		boom, err := reg.Add("boom", func() { panic("run") })
		if err != nil {
			t.Fatal(err)
		}
		w, _ := newScheduler(t, memSet(t)).start(Settings{Registry: reg})
		c, err := add.NewCall(2, 3)
		if err != nil {
			t.Fatal(err)
		}
		o, err := runCall(t, w, c)
		if err != nil || field(t, o, "result") != 5 {
			t.Errorf("got %q, %v", o.Raw, err)
		}
		if c, err = boom.NewCall(); err != nil {
			t.Fatal(err)
		}
		if _, err := runCall(t, w, c); err == nil || !strings.Contains(err.Error(), "panic: run") {
			t.Errorf("got %v", err)
		}
		needs := &task.Call{Name: "add", Sig: add.Sig(), Args: []task.Arg{{Key: wire.StrKey("k")}, {Value: 1}}}
		if _, err := runCall(t, w, needs); err == nil || !strings.Contains(err.Error(), "takes no futures") {
			t.Errorf("got %v", err)
		}
	})
}

func runCall(t *testing.T, w *Worker, c *task.Call) (wire.Opaque, error) {
	t.Helper()
	o, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	o, err = call(t, w, "run", map[string]any{"gdask_call": o})
	if status := field(t, o, "status"); err == nil && status != "OK" {
		return o, fmt.Errorf("%v: %v", status, field(t, o, "exception_text"))
	}
	return o, err
}

// TestCallBeforeTheWorkerIsReady: peers of an earlier worker at a fixed address
// may call while the next one is being made.
func TestCallBeforeTheWorkerIsReady(t *testing.T) {
	s := newScheduler(t, tcpSet(t))
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "tcp://" + ln.Addr().String()
	_ = ln.Close()
	answered := make(chan error, 1)
	go func() {
		pool := wire.NewPool(s.set.Dial, wire.Settings{}, 0)
		defer pool.Close()
		_, err := pool.GetData(t.Context(), address, &wire.GetData{Keys: wire.KeySet{wire.StrKey("k")}})
		answered <- err
	}()
	s.start(Settings{ListenAddress: address, DashboardAddr: "127.0.0.1:0"})
	if err := <-answered; err != nil {
		t.Error(err)
	}
}
