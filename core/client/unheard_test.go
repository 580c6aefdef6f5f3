package client

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func keys(names ...string) []wire.Key {
	ks := make([]wire.Key, len(names))
	for i, n := range names {
		ks[i] = wire.StrKey(n)
	}
	return ks
}

// confirmed waits until the scheduler has confirmed all that was said.
func confirmed(t *testing.T, c *Client) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		c.mu.Lock()
		left := len(c.unheard.said)
		c.mu.Unlock()
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages stay unconfirmed", left)
		}
	}
}

func TestGraphsOnTheirWayAreSaidAgain(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: time.Hour}) // nothing is confirmed
	c.Submit(Graph{Tasks: tasks("a", "b", "c")})
	fs := c.Submit(Graph{Tasks: tasks("d")})
	heard[*wire.UpdateGraph](t, s)
	heard[*wire.UpdateGraph](t, s)
	s.tell(t, f.inMemory("d"), f.inMemory("b"))
	if err := fs[0].Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for st := Pending; st != Finished; st = c.Desire(keys("b"))[0].Status() {
		runtime.Gosched()
	}
	_ = s.conn.Close()
	s = <-f.streams
	again := heard[*wire.UpdateGraph](t, s)
	if len(again.Tasks) != 3 || !slices.Equal(again.Keys, keys("a", "c")) {
		t.Errorf("%d tasks are submitted again, for %q", len(again.Tasks), again.Keys)
	}
	if m := heard[*wire.ClientDesiresKeys](t, s); len(m.Keys) != 4 {
		t.Errorf("wishes for %q", m.Keys)
	}
}

func TestWhatWasConfirmedIsNotSaidAgain(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: time.Hour})
	fs := c.Submit(Graph{Tasks: tasks("first")})
	for i := range confirmEvery {
		c.Submit(Graph{Tasks: tasks(string(rune('A' + i)))})
	}
	fs[0].Release()
	for range confirmEvery + 1 {
		heard[*wire.UpdateGraph](t, s)
	}
	heard[*wire.ClientReleasesKeys](t, s)
	_ = s.conn.Close()
	s = <-f.streams
	said := 0
	for {
		m := <-s.said
		if _, over := m.(*wire.ClientDesiresKeys); over {
			break
		}
		said++
	}
	if said > 2 { // the last graph and the release came after the question
		t.Errorf("%d messages are said again", said)
	}
}

func TestHeartbeatsConfirm(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: 20 * time.Millisecond, MissedHeartbeats: 1000})
	for range 3 {
		c.Submit(Graph{Tasks: tasks("a")})[0].Release()
		heard[*wire.UpdateGraph](t, s)
		heard[*wire.ClientReleasesKeys](t, s)
		confirmed(t, c)
	}
}

func TestOthersWishesAreSaidAgain(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: time.Hour})
	fs := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.UpdateGraph](t, s)
	c.mu.Lock()
	c.say(&wire.ClientDesiresKeys{Keys: keys("a"), Client: "other"})
	c.mu.Unlock()
	fs[0].Release()
	heard[*wire.ClientDesiresKeys](t, s)
	heard[*wire.ClientReleasesKeys](t, s)
	_ = s.conn.Close()
	s = <-f.streams
	if m := heard[*wire.UpdateGraph](t, s); !slices.Equal(m.Keys, keys("a")) {
		t.Errorf("submitted again for %q", m.Keys)
	}
	if m := heard[*wire.ClientDesiresKeys](t, s); m.Client != "other" {
		t.Errorf("wished for by %q", m.Client)
	}
	heard[*wire.ClientReleasesKeys](t, s)
}

// TestWhatWouldDoHarmTwiceIsSaidOnce: an event, the end of a part in a queue. What
// was said while there was no connection is said all the same.
func TestWhatWouldDoHarmTwiceIsSaidOnce(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{Heartbeat: time.Hour})
	event := func(topic string) wire.Msg {
		return &wire.LogEvent{Topic: wire.StringOpaque(topic), Msg: wire.StringOpaque("")}
	}
	c.mu.Lock()
	c.say(event("before"))
	c.mu.Unlock()
	if err := c.saySomething("queue_release", "name", "q"); err != nil {
		t.Fatal(err)
	}
	fs := c.Submit(Graph{Tasks: tasks("a")})
	heard[*wire.LogEvent](t, s)
	heard[*wire.UnknownMsg](t, s)
	heard[*wire.UpdateGraph](t, s)
	_ = s.conn.Close()
	s = <-f.streams
	heard[*wire.UpdateGraph](t, s) // the first that is said again
	fs[0].Release()

	c.mu.Lock()
	c.unheard = unheard{said: []wire.Msg{event("sent"), event("not sent")}, sent: 1}
	c.repeat()
	c.mu.Unlock()
	for {
		if m, ok := (<-s.said).(*wire.LogEvent); ok {
			if m.Topic.Text() != "not sent" {
				t.Errorf("the event of %q is said again", m.Topic.Text())
			}
			return
		}
	}
}
