package client

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestLostResultIsWaitedForAgain(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	fs := refs(c.Submit(Graph{Tasks: tasks("a", "b")}))
	heard[*wire.UpdateGraph](t, s)
	s.tell(t, f.inMemory("a"), f.inMemory("b"))
	done := make(chan error, 1)
	var out []Outcome
	go func() {
		var err error
		out, err = c.Gather(t.Context(), fs, true)
		done <- err
	}()
	f.asked("get_data").answer <- data("a", 1) // b is gone
	gather := f.asked("gather")
	gather.answer <- map[string]any{"status": "error", "keys": []any{"b"}}
	if m := heard[*wire.ReportKey](t, s); m.Key != wire.StrKey("b") {
		t.Errorf("asked for %q", m.Key)
	}
	s.tell(t, f.inMemory("b"))
	f.asked("get_data").answer <- &wire.GetDataReply{Status: "busy", Data: wire.DataMap{}}
	f.asked("get_data").answer <- data("b", 2)
	if err := <-done; err != nil || len(out) != 2 || out[0].Err != nil || out[1].Err != nil {
		t.Errorf("%v, %v", out, err)
	}
}

func TestLostDataReopens(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	fs := c.Submit(Graph{Tasks: tasks("a", "b")})
	s.tell(t, f.inMemory("a"), &wire.LostData{Key: wire.StrKey("a")}, f.inMemory("b"))
	if err := fs[1].Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := fs[0].Status(); st != Lost {
		t.Errorf("status %s", st)
	}
	s.tell(t, f.inMemory("a"))
	if err := fs[0].Exception(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFrozenWorkerIsLeftBehind(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{WatchFetch: 5 * time.Millisecond})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	s.tell(t, f.inMemory("a"))
	go func() {
		frozen := f.asked("get_data") // no answer
		f.asked("who_has").answer <- map[string]any{}
		f.asked("gather").answer <- data("a", 3)
		frozen.answer <- nil
	}()
	if _, err := fs[0].Result(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestClientComesBack(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	fs := c.Submit(Graph{Tasks: tasks("a", "b")})
	heard[*wire.UpdateGraph](t, s)
	_ = s.conn.Close()
	s = <-f.streams
	if s.id != c.ID() {
		t.Errorf("came back as %q, was %q", s.id, c.ID())
	}
	heard[*wire.UpdateGraph](t, s)
	if m := heard[*wire.ClientDesiresKeys](t, s); len(m.Keys) != 2 {
		t.Errorf("wishes for %q", m.Keys)
	}
	heard[*wire.ReportKey](t, s)
	heard[*wire.ReportKey](t, s)
	s.tell(t, f.inMemory("a"), &wire.CancelledKeys{Keys: []wire.Key{wire.StrKey("b")}, Reason: "unknown"})
	if err := fs[0].Exception(t.Context()); err != nil {
		t.Error(err)
	}
	var ce *CancelledError
	if err := fs[1].Exception(t.Context()); !errors.As(err, &ce) {
		t.Error(err)
	}
}

func TestSchedulerThatStaysAway(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Grace: 50 * time.Millisecond})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	_ = f.l.Close()
	_ = s.conn.Close()
	var ce *ConnectionError
	if _, err := fs[0].Result(t.Context()); !errors.As(err, &ce) {
		t.Errorf("result: %v", err)
	}
	if err := c.Submit(Graph{Tasks: tasks("b")})[0].Exception(context.Background()); !errors.As(err, &ce) || c.Err() == nil {
		t.Errorf("submitted afterwards: %v", err)
	}
}

func TestFrozenSchedulerIsNoticed(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: 10 * time.Millisecond, MissedHeartbeats: 2})
	close(s.mute)
	next := <-f.streams
	if next.id != c.ID() {
		t.Errorf("came back as %q", next.id)
	}
}

// TestCloseWhileComingBack closes at every moment of a reconnection.
func TestCloseWhileComingBack(t *testing.T) {
	f := newFake(t)
	var drain sync.WaitGroup
	defer drain.Wait()
	over := make(chan struct{})
	defer close(over)
	drain.Go(func() {
		for {
			select {
			case <-f.streams: // what comes back
			case <-over:
				return
			}
		}
	})
	for i := range 200 {
		c, err := Dial(t.Context(), f.l.ContactAddress(), Settings{Transports: f.set})
		if err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		l := c.link
		c.mu.Unlock()
		_ = l.conn.Close()
		for range i * 20 {
			runtime.Gosched()
		}
		if err := c.Close(t.Context()); err != nil {
			t.Log(err) // the good-bye may find no connection
		}
	}
}

func TestSchedulerThatSaysGoodBye(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Grace: time.Hour})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	s.tell(t, &wire.CloseStream{})
	var ce *ConnectionError
	if _, err := fs[0].Result(t.Context()); !errors.As(err, &ce) || !errors.Is(err, errGoodBye) {
		t.Errorf("result: %v", err)
	}
}
