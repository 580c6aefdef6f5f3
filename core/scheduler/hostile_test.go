package scheduler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// Who gives up before the loop came to a request must be able to rely on that it
// does not happen later: nobody would clean up after it.
func TestWhatIsGivenUpDoesNotHappen(t *testing.T) {
	s := start(t, nil)
	gate, ran := make(chan struct{}), false
	s.loop.post(func() { <-gate })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.loop.do(gone, func() { ran = true }); !errors.Is(err, context.Canceled) {
		t.Errorf("given up with %v", err)
	}
	close(gate)
	if err := s.loop.do(t.Context(), func() {}); err != nil || ran {
		t.Errorf("ran: %v, %v", ran, err)
	}
}

// What the loop has begun is awaited, whatever becomes of the context.
func TestWhatHasBegunIsAwaited(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	err := s.loop.do(ctx, func() {
		cancel()
		<-time.After(time.Millisecond) // time for who waits to go away
		ran = true
	})
	if err != nil || !ran {
		t.Errorf("ran: %v, %v", ran, err)
	}
}

// closable is a scheduler plugin that tells of its end.
type closable struct{ closed chan struct{} }

func (closable) Start(context.Context, hook.Scheduler) error { return nil }
func (c closable) Close(context.Context) error               { close(c.closed); return nil }

// Of two registrations of one name at the same time the later one stays, and
// nothing of the other.
func TestPluginsThatAreRegisteredAtTheSameTime(t *testing.T) {
	s := start(t, nil)
	first, second := closable{make(chan struct{})}, closable{make(chan struct{})}
	for _, p := range []closable{first, second} {
		if err := s.addHook(t.Context(), "p", p); err != nil {
			t.Fatal(err)
		}
	}
	<-first.closed
	eventually(t, s, "one plugin is left", func() bool { return len(s.loop.hooked) == 1 && s.loop.hooked[0].p == second })
	s.hooks.close(t.Context())
	<-second.closed
	if err := s.addHook(t.Context(), "late", closable{}); !errors.Is(err, errClosed) {
		t.Errorf("a scheduler that ends took a plugin: %v", err)
	}
}

// A path of a million keys would be a tree too deep to be read again.
func TestMetadataPathsAreBounded(t *testing.T) {
	s := start(t, nil)
	path := make([]string, maxDepth+1)
	if _, err := askFor(t, s, "set_metadata", field{"keys", path}, field{"value", 1}); err == nil || !strings.Contains(err.Error(), "at most 64") {
		t.Errorf("got %v", err)
	}
	mustAsk(t, s, "set_metadata", field{"keys", path[1:]}, field{"value", 1})
	if got := mustAsk(t, s, "get_metadata", field{"keys", path[1:]}); got != int64(1) {
		t.Errorf("got %v", got)
	}
}

// A nested set is an error, not a reading that takes the square of its size.
func TestNestedSets(t *testing.T) {
	raw := msgp.AppendArrayHeader(nil, 0)
	for range 2 {
		raw = append(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "as-list"), raw...)
	}
	if _, err := elements(wire.Opaque{Raw: raw}); err == nil {
		t.Error("it was read")
	}
}

func TestPeersThatComeAndGoLeaveLittleBehind(t *testing.T) {
	s := start(t, nil)
	l := s.loop
	err := l.do(t.Context(), func() {
		for i := range 5 * keptTopics {
			l.topics.depart(fmt.Sprint("client ", i), l.now)
		}
		if n := len(l.topics.departed); n > 2*keptTopics {
			t.Errorf("%d departures are remembered", n)
		}
		l.nannies["early"], l.nannies["late"] = startingNanny{since: l.now}, startingNanny{since: l.now.Add(time.Minute)}
		l.now = l.now.Add(startingLimit + time.Second)
		l.forgetNannies()
		if _, late := l.nannies["late"]; len(l.nannies) != 1 || !late {
			t.Errorf("nannies %v", l.nannies)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * keptMarks {
		s.data.flushed(fmt.Sprint(i))
	}
	if n := len(s.data.flushes); n > keptMarks {
		t.Errorf("%d marks are remembered", n)
	}
	if err := s.data.awaitFlush(t.Context(), fmt.Sprint(2*keptMarks-1)); err != nil {
		t.Errorf("the latest mark: %v", err)
	}
}

// The reader of a client's stream may be behind the end of its session.
func TestAGoneClientSubscribesToNothing(t *testing.T) {
	s := start(t, nil)
	r := &clientReader{s: s, id: "gone"}
	r.handle(&wire.SubscribeTopic{Topic: "x"})
	r.push()
	err := s.loop.do(t.Context(), func() {
		if n := len(s.loop.topics.subscribers); n > 0 {
			t.Errorf("%d topics have subscribers", n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A remembered event of some bytes must not keep the megabytes that it came with.
func TestEventsAreKeptApartFromTheirMessages(t *testing.T) {
	batch := []byte("\xa3one and all the rest")
	frame := []byte("frame")
	o := wire.Opaque{Raw: batch[:4], Frames: [][]byte{frame}}
	own := apart(o)
	batch[1], frame[0] = 'X', 'X'
	if !bytes.Equal(own.Raw, []byte("\xa3one")) || cap(own.Raw) > 64 {
		t.Errorf("%q of capacity %d", own.Raw, cap(own.Raw))
	}
	for _, f := range own.Frames {
		if f[0] == 'X' {
			t.Error("a frame is shared")
		}
	}
}

// The time in which this process stood still does not count against a client that
// tries to come back.
func TestAStoppedSchedulerKeepsTheWishesOfLostClients(t *testing.T) {
	s := start(t, nil)
	l := s.loop
	err := l.do(t.Context(), func() {
		ses := &session{id: "c", gdask: true, seen: new(atomic.Int64), leftAt: l.now}
		l.clients["c"] = ses
		l.now = l.now.Add(time.Hour)
		l.checkClients(time.Hour)
		if l.clients["c"] == nil {
			t.Error("forgotten for the time in which it could not come back")
		}
		l.now = l.now.Add(time.Hour)
		l.checkClients(tickInterval)
		if l.clients["c"] != nil {
			t.Error("remembered for ever")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a frozen nanny is asked ends with who asks.
func TestABroadcastEndsWithItsCaller(t *testing.T) {
	s := start(t, nil)
	address, taken := freeze(t, s)
	register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Status: "running", NThreads: 1, Nanny: wire.StringOpaque(address)})
	c := dial(t, s)
	m, err := newAsk("broadcast", field{"msg", object{{"op", "echo"}}}, field{"nanny", true}, field{"reply", true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(m); err != nil {
		t.Fatal(err)
	}
	<-taken
	count := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns)
	}
	if n := count(); n != 2 {
		t.Fatalf("%d connections", n)
	}
	_ = c.Close()
	eventually(t, s, "only the worker's connection is left", func() bool { return count() == 1 })
}

// runsAndDies is a worker's server that ends its connection in place of the answer
// to run. It returns its address and how often it was asked to.
func runsAndDies(t *testing.T, s *Scheduler) (string, *atomic.Int32) {
	t.Helper()
	l, err := s.set.Transports.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	runs := new(atomic.Int32)
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
				if err != nil {
					return
				}
				defer func() { _ = c.Close() }()
				for {
					in, err := c.Recv()
					if err != nil || len(in.Msgs) == 0 {
						return
					}
					if in.Msgs[0].Op() == "run" {
						runs.Add(1)
						return
					}
					if c.SendValue("pong") != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); s.pool.Forget(l.ContactAddress()); wg.Wait() })
	return l.ContactAddress(), runs
}

// A connection that ends before the answer must not have a function run again.
func TestFunctionsAreNotRunAgain(t *testing.T) {
	s := start(t, nil)
	address, runs := runsAndDies(t, s)
	newWorker(t, s, address, 1)
	for _, op := range []string{"ping", "run"} { // the first leaves a connection behind
		mustAsk(t, s, "broadcast", field{"msg", object{{"op", op}}}, field{"on_error", "ignore"})
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

// Dumps are made one after the other; who leaves meanwhile waits no longer.
func TestDumpsAreMadeOneAtATime(t *testing.T) {
	s := start(t, nil)
	over, err := s.dumpTurn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.dumpTurn(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("another dump: %v", err)
	}
	over()
	mustAsk(t, s, "get_cluster_state")
	mustAsk(t, s, "get_cluster_state") // the turn was given back
}

// A client that has stopped to read must not have the scheduler keep all events for it.
func TestAClientThatDoesNotReadMissesEvents(t *testing.T) {
	s := start(t, nil)
	c := dial(t, s)
	if err := c.Send(&wire.RegisterClient{Client: "frozen"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(); err != nil {
		t.Fatal(err)
	}
	if err := c.SendBatch([]wire.Msg{&wire.SubscribeTopic{Topic: "x", Client: "frozen"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "it has subscribed", func() bool { return len(s.loop.topics.subscribers["x"]) == 1 })
	msg := wire.StringOpaque(strings.Repeat("x", 2000))
	for range 20 {
		err := s.loop.do(t.Context(), func() {
			for range eventsWaiting / 4 {
				s.loop.event("x", msg)
			}
			if n := s.loop.clients["frozen"].out.waiting(); n > eventsWaiting {
				t.Errorf("%d messages wait", n)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, s, "it is known to be behind", func() bool { return s.loop.clients["frozen"].behind })
}
