package scheduler

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestTasksRunAndResultsAreReported(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a"), noop("b", "a")}, Keys: keysOf("b")})
	for _, want := range []string{"a", "b"} {
		m := next[*wire.ComputeTask](w)
		if m.Key.String() != want || m.RunSpec.Text() != "spec of "+want {
			t.Fatalf("asked to compute %v with %q, want %s", m.Key, m.RunSpec.Text(), want)
		}
		w.send(finish(m))
	}
	if m := next[*wire.KeyInMemory](c); m.Key.String() != "b" {
		t.Fatalf("told of %v, want b", m.Key)
	}
	if m := next[*wire.FreeKeys](w); m.Keys[0].String() != "a" {
		t.Fatalf("the input was not freed: %v", m.Keys)
	}
	c.send(&wire.ClientReleasesKeys{Client: "c", Keys: keysOf("b")})
	if m := next[*wire.FreeKeys](w); m.Keys[0].String() != "b" {
		t.Fatalf("the result was not freed: %v", m.Keys)
	}
}

func TestErrorsReachTheClient(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	m := next[*wire.ComputeTask](w)
	w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, Status: "error", ExceptionText: "broken", Exception: wire.StringOpaque("broken")})
	if e := next[*wire.TaskErred](c); e.ExceptionText != "broken" || e.Exception.Text() != "broken" {
		t.Fatalf("told %+v", e)
	}
}

func TestALostWorkersTasksGoElsewhere(t *testing.T) {
	s := start(t, nil)
	w1 := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	next[*wire.ComputeTask](w1)
	w2 := newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	_ = w1.conn.Close()
	w2.send(finish(next[*wire.ComputeTask](w2)))
	next[*wire.KeyInMemory](c)
}

func TestTheAnswerToAWorkerIsAPlainMapBeforeAnyBatch(t *testing.T) {
	s := start(t, nil)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	eventually(t, s, "the graph is there", func() bool { return len(s.loop.m.Keys()) == 1 })
	w, reply := register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Status: "running", NThreads: 1, Runtimes: []string{"go"}})
	if reply["status"] != "OK" || reply["heartbeat-interval"] != 0.5 || reply["worker-plugins"] == nil {
		t.Fatalf("reply %v", reply)
	}
	next[*wire.ComputeTask](w)
}

func TestASecondWorkerOfTheSameNameIsRefused(t *testing.T) {
	s := start(t, nil)
	m := wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Name: wire.StringOpaque("twin"), Status: "running", NThreads: 1}
	first := m
	register(t, s, &first)
	second := m
	second.Address = "tcp://127.0.0.1:1002"
	p, reply := register(t, s, &second)
	text, _ := reply["message"].(string)
	if reply["status"] != "error" || !strings.Contains(text, "twin") {
		t.Fatalf("reply %v", reply)
	}
	p.waitEnd()
	eventually(t, s, "only the first is there", func() bool { return len(s.loop.workers) == 1 })
}

func TestHeartbeats(t *testing.T) {
	s := start(t, nil)
	newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
	defer func() { _ = pool.Close() }()
	for address, want := range map[string]string{"tcp://127.0.0.1:1001": "OK", "tcp://127.0.0.1:9": "missing"} {
		var r wire.HeartbeatReply
		if err := pool.Call(ctx, s.Address(), &wire.HeartbeatWorker{Address: address, Metrics: wire.Metrics{Memory: 77}}, &r); err != nil {
			t.Fatal(err)
		}
		if r.Status != want {
			t.Errorf("%s: status %q, want %q", address, r.Status, want)
		}
	}
	eventually(t, s, "the metrics are kept", func() bool { return s.loop.workers["tcp://127.0.0.1:1001"].metrics.Memory == 77 })
}

// TestHeartbeatOfAnUnknownWorkerAnswersMissing, also of one that was here: it is to
// join again, and is not taken in by its heartbeat.
func TestHeartbeatOfAnUnknownWorkerAnswersMissing(t *testing.T) {
	const address = "tcp://127.0.0.1:1001"
	s := start(t, nil)
	beat := func(want string) {
		t.Helper()
		pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
		defer func() { _ = pool.Close() }()
		var r wire.HeartbeatReply
		if err := pool.Call(t.Context(), s.Address(), &wire.HeartbeatWorker{Address: address}, &r); err != nil || r.Status != want {
			t.Errorf("status %q, %v, want %q", r.Status, err, want)
		}
	}
	beat("missing")
	w := newWorker(t, s, address, 1)
	beat("OK")
	w.stop()
	eventually(t, s, "the end of the worker", func() bool { return s.loop.workers[address] == nil })
	beat("missing")
	if err := s.loop.do(t.Context(), func() {
		if n := len(s.loop.workers); n != 0 {
			t.Errorf("%d workers", n)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

func TestASilentWorkerIsRemovedAndOthersStay(t *testing.T) {
	s := start(t, func(set *Settings) { set.GDaskWorkerTTL = 500 * time.Millisecond })
	frozen := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	next[*wire.ComputeTask](frozen)
	alive := newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				alive.send(&wire.KeepAlive{})
			}
		}
	}()
	frozen.waitEnd()
	alive.send(finish(next[*wire.ComputeTask](alive)))
	next[*wire.KeyInMemory](c)
	close(stop)
	<-done
}

func TestAFrozenClientIsDroppedAndOthersGoOn(t *testing.T) {
	s := start(t, func(set *Settings) { set.Wire.WriteTimeout = 300 * time.Millisecond; set.ClientGrace = -1 })
	frozen := dial(t, s) // never reads after its registration
	if err := frozen.Send(&wire.RegisterClient{Client: "frozen"}); err != nil {
		t.Fatal(err)
	}
	if _, err := frozen.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := frozen.SendBatch([]wire.Msg{&wire.SubscribeTopic{Topic: "x", Client: "frozen"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "the subscription is there", func() bool { return len(s.loop.topics.subscribers["x"]) == 1 })
	c := newClient(t, s, "c")
	large := wire.BytesOpaque(make([]byte, 1<<16))
	for range 600 {
		c.send(&wire.LogEvent{Topic: wire.StringOpaque("x"), Msg: large})
	}
	eventually(t, s, "the frozen client is forgotten", func() bool { return s.loop.clients["frozen"] == nil })
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	w.send(finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
}

func TestAClientMayComeBackWithinItsGrace(t *testing.T) {
	s := start(t, func(set *Settings) { set.ClientGrace = time.Minute })
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	m := next[*wire.ComputeTask](w)
	_ = c.conn.Close()
	eventually(t, s, "the client is away", func() bool { return s.loop.clients["c"].conn == nil })
	w.send(finish(m))
	eventually(t, s, "the result is there", func() bool { return len(s.loop.m.HasWhat("tcp://127.0.0.1:1001")) == 1 })
	back := newClient(t, s, "c")
	back.send(&wire.ClientDesiresKeys{Client: "c", Keys: keysOf("a")})
	if m := next[*wire.KeyInMemory](back); m.Key.String() != "a" {
		t.Fatalf("told of %v", m.Key)
	}
}

func TestAClientThatStaysAwayIsForgotten(t *testing.T) {
	s := start(t, func(set *Settings) { set.ClientGrace = time.Millisecond })
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	w.send(finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
	_ = c.conn.Close()
	next[*wire.FreeKeys](w)
}

func TestCloseTellsEverybody(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	eventually(t, s, "both streams run", func() bool {
		w, c := s.loop.workers["tcp://127.0.0.1:1001"], s.loop.clients["c"]
		return w != nil && w.out.stream != nil && c != nil && c.out.stream != nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if m := next[*wire.CloseWorker](w); m.Reason != "scheduler-close" {
		t.Errorf("reason %q", m.Reason)
	}
	next[*wire.CloseStream](w)
	next[*wire.CloseStream](c)
	short, cancelShort := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancelShort()
	if nc, err := s.set.Transports.Dial(short, s.Address()); err == nil {
		_ = nc.Close()
		t.Error("a closed scheduler takes connections")
	}
}

func TestAllAddressesAreServed(t *testing.T) {
	dir := t.TempDir()
	s := start(t, func(set *Settings) {
		set.Listen = []string{"tcp://127.0.0.1:0", "unix://" + dir + "/s", "memory://"}
	})
	if n := len(s.Addresses()); n != 3 {
		t.Fatalf("%d addresses", n)
	}
	for _, a := range s.Addresses() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
		m, err := newAsk("identity")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pool.CallRaw(ctx, a, m); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		_ = pool.Close()
		cancel()
	}
}

func TestStartFailsOnABadAddress(t *testing.T) {
	s := start(t, nil)
	set := s.set
	set.Listen = []string{s.Address()}
	other, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on") {
		t.Fatalf("error %v", err)
	}
	<-other.Done()
}

func TestSettingsNeedTransports(t *testing.T) {
	if _, err := New(Settings{}); err == nil {
		t.Fatal("no error")
	}
}
