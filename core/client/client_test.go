package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

func TestSubmitAndResult(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Name: "me"})
	if !strings.HasPrefix(s.id, "Client-me-") || s.id != c.ID() {
		t.Errorf("registered as %q, is %q", s.id, c.ID())
	}
	fs := c.Submit(Graph{Tasks: tasks("a", "b")})
	g := heard[*wire.UpdateGraph](t, s)
	if len(g.Tasks) != 2 || len(g.Keys) != 2 || g.Keys[1] != wire.StrKey("b") || g.Tasks[0].Runtime != "go" {
		t.Errorf("submitted %+v", g)
	}
	if st := fs[0].Status(); st != Pending || fs[0].Done() {
		t.Errorf("status %s", st)
	}
	s.tell(t, f.inMemory("a"))
	go func() { f.asked("get_data").answer <- data("a", 7) }()
	o, err := fs[0].Result(t.Context())
	if n, _, _ := msgp.ReadInt64Bytes(o.Raw); err != nil || n != 7 {
		t.Errorf("result %v, %v", o, err)
	}
	if fs[0].Status() != Finished || fs[0].Typename() != "int" || fs[0].Exception(t.Context()) != nil {
		t.Errorf("status %s, type %s", fs[0].Status(), fs[0].Typename())
	}
}

func TestErrorsHaveTypes(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	fs := c.Submit(Graph{Tasks: tasks("a", "b", "c", "d")})
	text := wire.Opaque{Raw: msgp.AppendString(nil, "boom")}
	killed := wire.Opaque{Raw: msgp.AppendBytes(nil, []byte("cdistributed.scheduler\nKilledWorker\n(tR."))}
	s.tell(t, &wire.TaskErred{Key: wire.StrKey("a"), Exception: text, TracebackText: "main.go:1"},
		&wire.TaskErred{Key: wire.StrKey("b"), Exception: killed, ExceptionText: "b killed 4 workers"},
		&wire.CancelledKeys{Keys: []wire.Key{wire.StrKey("c")}, Reason: "lost dependencies"})
	var te *TaskError
	if err := fs[0].Exception(t.Context()); !errors.As(err, &te) || te.Message != "boom" || te.Stack != "main.go:1" || err.Error() != "task a: boom" {
		t.Errorf("a: %v", err)
	}
	var ke *KilledWorkerError
	if err := fs[1].Exception(t.Context()); !errors.As(err, &ke) || !errors.As(err, &te) || !strings.Contains(err.Error(), "killed 4 workers") {
		t.Errorf("b: %v", err)
	}
	var ce *CancelledError
	if _, err := fs[2].Result(t.Context()); !errors.As(err, &ce) || ce.Reason != "lost dependencies" {
		t.Errorf("c: %v", err)
	}
	s.tell(t, &wire.Restart{})
	if err := fs[3].Exception(t.Context()); !errors.As(err, &ce) || ce.Reason != "restart" {
		t.Errorf("d: %v", err)
	}
}

func TestKnownKeysAreSharedAndReleasedOnce(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	one := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	two := c.Submit(Graph{Tasks: tasks("a")}) // says nothing
	one[0].Release()
	one[0].Release()
	three := c.Submit(Graph{Tasks: tasks("b")})
	heard[*wire.UpdateGraph](t, s)
	ReleaseAll(two)
	ReleaseAll(three)
	var keys []wire.Key
	for len(keys) < 2 {
		keys = append(keys, heard[*wire.ClientReleasesKeys](t, s).Keys...)
	}
	if keys[0] != wire.StrKey("a") || keys[1] != wire.StrKey("b") {
		t.Errorf("released %q", keys)
	}
	if _, err := two[0].Result(t.Context()); !errors.Is(err, ErrReleased) {
		t.Errorf("result of a released future: %v", err)
	}
	again := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	if again[0].Status() != Pending {
		t.Errorf("status %s", again[0].Status())
	}
}

func TestCancelAndSubmitAgain(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	c.Cancel(refs(fs), true, "user", "not needed")
	if m := heard[*wire.CancelKeys](t, s); !m.Force || m.Reason != "user" || len(m.Keys) != 1 {
		t.Errorf("said %+v", m)
	}
	if err := fs[0].Exception(t.Context()); err == nil || err.Error() != "a cancelled for reason: user: not needed" {
		t.Errorf("cancelled: %v", err)
	}
	again := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	fs[0].Release() // of the old wish: says nothing
	s.tell(t, f.inMemory("a"))
	if err := again[0].Exception(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWaiting(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	slab := c.Submit(Graph{Tasks: tasks("a", "b", "c")})
	fs := refs(slab)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Wait(ctx, fs, All); !errors.Is(err, context.Canceled) {
		t.Errorf("ended wait: %v", err)
	}
	if slab[0].s.nodes != nil {
		t.Error("an ended wait leaves itself behind")
	}
	called := make(chan struct{})
	fs[2].AddDoneCallback(func() { close(called) })
	s.tell(t, f.inMemory("c"), f.inMemory("a"))
	if err := c.Wait(t.Context(), fs, First); err != nil {
		t.Error(err)
	}
	<-called
	var order []int
	for i, err := range c.AsCompleted(t.Context(), fs) {
		if err != nil {
			t.Fatal(err)
		}
		if order = append(order, i); len(order) == 2 {
			s.tell(t, &wire.TaskErred{Key: wire.StrKey("b"), ExceptionText: "boom"})
		}
	}
	if len(order) != 3 || order[2] != 1 {
		t.Errorf("completed in order %v", order)
	}
	for i, err := range c.AsCompleted(ctx, refs(c.Submit(Graph{Tasks: tasks("x")}))) {
		if i != -1 || !errors.Is(err, context.Canceled) {
			t.Errorf("ended iteration: %d, %v", i, err)
		}
	}
	if _, err := c.Gather(t.Context(), fs, true); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("gather: %v", err)
	}
}

func TestCloseFailsFutures(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	if _, err := fs[0].Result(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("future of a closed client: %v", err)
	}
	if _, err := c.Submit(Graph{Tasks: tasks("b")})[0].Result(ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("submitted to a closed client: %v", err)
	}
}

func TestKeyText(t *testing.T) {
	tuple := msgp.AppendArrayHeader(nil, 3)
	tuple = msgp.AppendString(tuple, "x")
	tuple = msgp.AppendInt64(tuple, 0)
	tuple = msgp.AppendFloat64(tuple, 1.5)
	for want, k := range map[string]wire.Key{"add-1": wire.StrKey("add-1"), "('x', 0, 1.5)": wire.Key(tuple), "5": wire.Key(msgp.AppendInt64(nil, 5)), `"\xc1"`: "\xc1"} {
		if got := KeyText(k); got != want {
			t.Errorf("%q: %s, want %s", string(k), got, want)
		}
	}
}

func FuzzKeyText(f *testing.F) {
	f.Add("\xa1x")
	f.Add("\x92\xa1x\x00")
	f.Fuzz(func(_ *testing.T, k string) { _ = KeyText(wire.Key(k)) })
}
