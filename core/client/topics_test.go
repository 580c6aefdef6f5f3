package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func eventOf(t *testing.T, topic string, msg any) *wire.Event {
	t.Helper()
	o, err := wire.OpaqueOf([]any{1.5, msg})
	if err != nil {
		t.Fatal(err)
	}
	return &wire.Event{Topic: topic, Event: o}
}

func nextText(t *testing.T, s *Subscription) string {
	t.Helper()
	e, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !e.Time.Equal(time.Unix(1, 5e8)) {
		t.Errorf("at %v", e.Time)
	}
	return e.Msg.Text()
}

// TestSubscriptionsSurviveALoss: a scheduler that lost the client hears again what
// it has subscribed to; the second subscription and its end make no words.
func TestSubscriptionsSurviveALoss(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	a, err := c.Subscribe("x")
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Subscribe("x")
	if err != nil {
		t.Fatal(err)
	}
	heard[*wire.SubscribeTopic](t, s)
	s.tell(t, eventOf(t, "x", "one"), eventOf(t, "y", "not mine"), &wire.Event{Topic: "x", Event: wire.StringOpaque("no pair")})
	for _, sub := range []*Subscription{a, b} {
		if got := nextText(t, sub); got != "one" {
			t.Errorf("got %q", got)
		}
	}
	b.Close()
	b.Close()
	if _, err := b.Next(t.Context()); !errors.Is(err, ErrUnsubscribed) {
		t.Errorf("error %v", err)
	}
	_ = s.conn.Close()
	s = <-f.streams
	if m := heard[*wire.SubscribeTopic](t, s); m.Topic != "x" {
		t.Errorf("subscribed to %q", m.Topic)
	}
	s.tell(t, eventOf(t, "x", "two"))
	if got := nextText(t, a); got != "two" {
		t.Errorf("got %q", got)
	}
	a.Close()
	for m := range s.said { // what the lost scheduler may not have heard is said again
		if m, ok := m.(*wire.UnsubscribeTopic); ok && m.Topic == "x" {
			return
		}
	}
}

func TestSlowSubscribersLoseTheOldest(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	s, err := c.Subscribe("x")
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.event(eventOf(t, "x", "first"))
	for range keptForSubscriber {
		c.event(eventOf(t, "x", "later"))
	}
	c.mu.Unlock()
	if got, n := nextText(t, s), s.Dropped(); got != "later" || n != 1 {
		t.Errorf("got %q, %d dropped", got, n)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range keptForSubscriber - 1 {
		nextText(t, s)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Subscribe("x"); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
}

// TestGrantAfterTheCallerLeft: a lease that may have been granted to a caller that
// left is given back.
func TestGrantAfterTheCallerLeft(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Semaphore("s", 1).Acquire(ctx) }()
	f.asked("semaphore_register").answer <- nil
	call := f.asked("semaphore_acquire")
	lease, _ := call.msg.(*wire.UnknownMsg).Map.Field("lease_id")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	call.answer <- true
	back := f.asked("semaphore_release")
	if got, _ := back.msg.(*wire.UnknownMsg).Map.Field("lease_id"); got.Text() != lease.Text() || lease.Text() == "" {
		t.Errorf("%q was given back, not %q", got.Text(), lease.Text())
	}
	back.answer <- nil
}

func TestPickledText(t *testing.T) {
	for pickle, want := range map[string]string{
		"\x80\x04\x95\x09\x00\x00\x00\x00\x00\x00\x00\x8c\x05hello\x94.": "hello",
		"\x80\x03X\x05\x00\x00\x00helloq\x00.":                           "(an object that only Python can read)",
		"\x80\x03X\x05\x00\x00\x00hello.":                                "hello",
		"\x80\x04\x8c\xffx":                                              "(an object that only Python can read)",
		"X\xff\xff\xff\xff":                                              "(an object that only Python can read)",
		"":                                                               "(an object that only Python can read)",
		"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x0bUserWarning\x94\x93\x94.": "(an object that only Python can read)",
	} {
		if got := PickledText([]byte(pickle)); got != want {
			t.Errorf("%q is %q, want %q", pickle, got, want)
		}
	}
}
