package workerrt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// peer is another worker as the test likes it.
type peer struct {
	*server
	mu    sync.Mutex
	asked []*wire.GetData
}

// newPeer answers get_data with what reply makes of it.
func newPeer(t *testing.T, set *comm.Set, reply func(n int, m *wire.GetData) any) *peer {
	t.Helper()
	p := &peer{}
	p.server = serve(t, set, set.Default()+"://127.0.0.1:0", func(_ *wire.Conn, in wire.Incoming) any {
		if len(in.Msgs) == 0 {
			return nil // the "OK" behind the data
		}
		m, ok := in.Msgs[0].(*wire.GetData)
		if !ok {
			return context.Canceled
		}
		p.mu.Lock()
		p.asked = append(p.asked, m)
		n := len(p.asked)
		p.mu.Unlock()
		return reply(n, m)
	})
	return p
}

func (p *peer) requests() []*wire.GetData {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// all gives every key that is asked for, each the text of its key.
func all(_ int, m *wire.GetData) any {
	r := &wire.GetDataReply{Status: "OK"}
	for _, k := range m.Keys {
		o, err := task.EncodeValue(k.String())
		if err != nil {
			return err
		}
		r.Data = append(r.Data, wire.DataItem{Key: k, Value: o})
	}
	return r
}

// inputs runs a task that returns its inputs as a text.
func inputs(_ context.Context, j *Job) (any, error) {
	var texts []string
	var first error
	j.Inputs(func(k wire.Key, decode func(reflect.Type) (any, error)) {
		v, err := decode(reflect.TypeFor[string]())
		first = errors.Join(first, err)
		texts = append(texts, fmt.Sprintf("%s=%v", k, v))
	})
	return fmt.Sprint(texts), first
}

// result asks a worker for a value as peers do.
func result[T any](t *testing.T, w *Worker, key string) T {
	t.Helper()
	r := askData(t, w, key)
	if r.Status != "OK" || len(r.Data) != 1 {
		t.Fatalf("get_data of %s: %+v", key, r)
	}
	v, err := task.DecodeValue(r.Data[0].Value, reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return v.(T)
}

func askData(t *testing.T, w *Worker, keys ...string) *wire.GetDataReply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m := &wire.GetData{Who: "test"}
	for _, k := range keys {
		m.Keys = append(m.Keys, wire.StrKey(k))
	}
	pool := wire.NewPool(w.set.Transports.Dial, wire.Settings{}, 0)
	defer pool.Close()
	r, err := pool.GetData(ctx, w.Address(), m)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sizes(n int64, deps ...wire.KeyAddress) (s wire.KeySizes) {
	for _, d := range deps {
		s = append(s, wire.KeySize{Key: d.Key, Nbytes: n})
	}
	return s
}

func TestInputsComeInOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, all)
		w, ss := s.start(Settings{Run: inputs})
		ss.send(compute("sum", on("a", p.address), on("b", p.address), on("c", p.address)))
		if added := want[*wire.AddKeys](ss); len(added.Keys) != 3 {
			t.Errorf("copies reported: %v", added.Keys)
		}
		finished(t, ss, "sum")
		if got := result[string](t, w, "sum"); got != "[a=a b=b c=c]" {
			t.Errorf("got %s", got)
		}
		asked := p.requests()
		if len(asked) != 1 || len(asked[0].Keys) != 3 || asked[0].Who != w.Address() {
			t.Errorf("asked %d times, first %+v", len(asked), asked[0])
		}
	})
}

// TestBatchesAreBounded: one batch is up to 50 MB; one peer is asked one thing at a time.
func TestBatchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, all)
		_, ss := s.start(Settings{Run: inputs})
		deps := []wire.KeyAddress{on("a", p.address), on("b", p.address), on("c", p.address)}
		m := compute("sum", deps...)
		m.Nbytes = sizes(20e6, deps...)
		ss.send(m)
		finished(t, ss, "sum")
		if asked := p.requests(); len(asked) != 2 || len(asked[0].Keys) != 2 || len(asked[1].Keys) != 1 {
			t.Errorf("3 keys of 20 MB were asked for in %d requests", len(asked))
		}
	})
}

// TestCopiesAreBoundedByMemory: bytes in flight stay within a tenth of the limit.
func TestCopiesAreBoundedByMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		var mu sync.Mutex
		now, most := 0, 0
		var deps []wire.KeyAddress
		for i := range 6 {
			p := newPeer(t, s.set, func(n int, m *wire.GetData) any {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				<-time.After(time.Second)
				mu.Lock()
				now--
				mu.Unlock()
				return all(n, m)
			})
			deps = append(deps, on(fmt.Sprint("k", i), p.address))
		}
		_, ss := s.start(Settings{Run: inputs, MemoryLimit: 1 << 40})
		m := compute("sum", deps...)
		m.Nbytes = sizes(1<<40/19, deps...)
		ss.send(m)
		finished(t, ss, "sum")
		if most != 2 {
			t.Errorf("%d copies of a nineteenth of the memory at once, want 2", most)
		}
	})
}

// TestPeersThatFail: whatever a peer does, the worker tells the scheduler in time
// and takes the value from where that says.
func TestPeersThatFail(t *testing.T) {
	for name, k := range map[string]struct {
		reply  func(n int, m *wire.GetData) any
		within time.Duration
	}{
		"dies":        {func(int, *wire.GetData) any { return context.Canceled }, time.Second},
		"refuses":     {func(int, *wire.GetData) any { return wire.FailureOf(errors.New("not to you")) }, time.Second},
		"has nothing": {func(int, *wire.GetData) any { return &wire.GetDataReply{Status: "OK"} }, time.Second},
		"freezes":     {func(int, *wire.GetData) any { return silent{} }, 2 * time.Minute},
		"babbles":     {func(int, *wire.GetData) any { return 42 }, time.Second},
		"gives others": {func(n int, _ *wire.GetData) any {
			return all(n, &wire.GetData{Keys: wire.KeySet{wire.StrKey("other"), wire.StrKey("other")}})
		}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				bad, good := newPeer(t, s.set, k.reply), newPeer(t, s.set, all)
				w, ss := s.start(Settings{Run: inputs})
				start := time.Now()
				ss.send(compute("sum", on("a", bad.address)))
				lost := want[*wire.RequestRefreshWhoHas](ss)
				if len(lost.Keys) != 1 || lost.Keys[0].String() != "a" {
					t.Fatalf("got %+v", lost)
				}
				if took := time.Since(start); took > k.within {
					t.Errorf("a bad peer held the worker up for %v", took)
				}
				ss.send(&wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{on("a")}}) // nobody has it
				again := want[*wire.RequestRefreshWhoHas](ss)
				if len(again.Keys) != 1 || time.Since(start) > k.within+3*time.Second {
					t.Errorf("asked again for %v after %v", again.Keys, time.Since(start))
				}
				ss.send(&wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{on("a", good.address)}})
				finished(t, ss, "sum")
				if got := result[string](t, w, "sum"); got != "[a=a]" {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

func TestPeerThatNobodyReachesIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		_, ss := s.start(Settings{Run: inputs})
		start := time.Now()
		m := compute("sum", on("a", "mem://gone"))
		m.Nbytes = sizes(1e9, on("a")) // much to copy is no reason to dial for long
		ss.send(m)
		want[*wire.RequestRefreshWhoHas](ss)
		if took := time.Since(start); took > 40*time.Second {
			t.Errorf("dialled for %v", took)
		}
	})
}

// TestNewsOfADeadPeerEndsItsCopies: the scheduler may know first.
func TestNewsOfADeadPeerEndsItsCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		frozen := newPeer(t, s.set, func(int, *wire.GetData) any { return silent{} })
		good := newPeer(t, s.set, all)
		_, ss := s.start(Settings{Run: inputs})
		ss.send(compute("sum", on("a", frozen.address)))
		synctest.Wait()
		start := time.Now()
		ss.send(&wire.RemoveWorker{Worker: frozen.address})
		want[*wire.RequestRefreshWhoHas](ss)
		if took := time.Since(start); took > 0 {
			t.Errorf("waited %v for a peer that is known to be dead", took)
		}
		ss.send(&wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{on("a", good.address)}})
		finished(t, ss, "sum")
	})
}

// TestConnectionsToDeadPeersAreClosed: a worker outlives many peers and must not
// keep a file descriptor for each.
func TestConnectionsToDeadPeersAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, all)
		_, ss := s.start(Settings{Run: inputs})
		ss.send(compute("sum", on("a", p.address)))
		finished(t, ss, "sum")
		ss.send(&wire.RemoveWorker{Worker: p.address}, compute("next"))
		finished(t, ss, "next")
		done := make(chan struct{})
		go func() { // the peer's conversations end when the worker hangs up
			defer close(done)
			p.talks.Wait()
		}()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the connection to a peer that is gone stays open")
		}
	})
}

func TestBusyPeerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, func(n int, m *wire.GetData) any {
			if n < 5 {
				return &wire.GetDataReply{Status: "busy"}
			}
			return all(n, m)
		})
		_, ss := s.start(Settings{Run: inputs})
		start := time.Now()
		ss.send(compute("sum", on("a", p.address)))
		finished(t, ss, "sum")
		if took := time.Since(start); took != 4*150*time.Millisecond {
			t.Errorf("came after %v, want four pauses of 150 ms", took)
		}
	})
}

// TestInputThatCannotBeDecoded fails the task that uses it, and only that.
func TestInputThatCannotBeDecoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, func(_ int, m *wire.GetData) any {
			return &wire.GetDataReply{Status: "OK", Data: wire.DataMap{{Key: m.Keys[0], Value: wire.Opaque{Raw: []byte{0xc3}}}}}
		})
		_, ss := s.start(Settings{Run: inputs})
		ss.send(compute("sum", on("a", p.address)))
		if m := erred(t, ss, "sum"); m.ExceptionText == "" {
			t.Error("no text")
		}
		ss.send(compute("next"))
		finished(t, ss, "next")
	})
}

// TestGatherOnRequest: the scheduler has the worker copy values from the first of
// several holders that gives them.
func TestGatherOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		bad := newPeer(t, s.set, func(int, *wire.GetData) any { return context.Canceled })
		busy := newPeer(t, s.set, func(n int, m *wire.GetData) any {
			if n == 1 {
				return &wire.GetDataReply{Status: "busy"}
			}
			return all(n, m)
		})
		w, _ := s.start(Settings{})
		reply := ask(t, w, "gather", map[string]any{"who_has": map[string]any{
			"a": []any{bad.address, busy.address}, "b": []any{busy.address}, "c": []any{bad.address}, "d": []any{},
		}})
		if status := field(t, reply, "status"); status != "partial-fail" {
			t.Errorf("status %v", status)
		}
		keys, ok := field(t, reply, "keys").([]any)
		if !ok || len(keys) != 2 || !slices.Contains(keys, any("c")) || !slices.Contains(keys, any("d")) {
			t.Errorf("missing %v, want c and d", keys)
		}
		if a, b := result[string](t, w, "a"), result[string](t, w, "b"); a != "a" || b != "b" {
			t.Errorf("copied %q and %q", a, b)
		}
	})
}

// ask makes a request that has no Go struct.
func ask(t *testing.T, w *Worker, op string, fields map[string]any) wire.Opaque {
	t.Helper()
	o, err := call(t, w, op, fields)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func call(t *testing.T, w *Worker, op string, fields map[string]any) (wire.Opaque, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	m, err := wire.OpaqueOf(fields)
	if err != nil {
		t.Fatal(err)
	}
	pool := wire.NewPool(w.set.Transports.Dial, wire.Settings{}, 0)
	defer pool.Close()
	return pool.CallRaw(ctx, w.Address(), &wire.UnknownMsg{Name: op, Map: m})
}

func field(t *testing.T, o wire.Opaque, name string) any {
	t.Helper()
	f, ok := o.Field(name)
	if !ok {
		t.Fatalf("no field %s in %q", name, o.Raw)
	}
	v, err := task.DecodeValue(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
