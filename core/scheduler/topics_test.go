package scheduler

import (
	"fmt"
	"testing"
	"time"
)

func TestTopicsAreBounded(t *testing.T) {
	tp := newTopics(10, time.Hour)
	for range 1000 {
		tp.add("x", topicEvent{})
		if n := len(tp.events["x"]); n > 10 {
			t.Fatalf("%d events", n)
		}
	}
	if n := len(tp.events["x"]); n < 9 {
		t.Errorf("only %d events", n)
	}
	for i := range 2 * keptTopics {
		name := fmt.Sprint("client ", i)
		tp.add(name, topicEvent{})
		tp.depart(name, time.Time{})
	}
	tp.add("new", topicEvent{})
	if len(tp.events) > keptTopics || len(tp.events["new"]) != 1 || len(tp.events["x"]) == 0 {
		t.Errorf("%d topics, new: %v", len(tp.events), tp.events["new"])
	}
}

// TestTopicsOfGonePeers: they go some time after the peer, unless it is back.
func TestTopicsOfGonePeers(t *testing.T) {
	s := start(t, func(s *Settings) { s.EventsCleanupDelay, s.ClientGrace = time.Nanosecond, -1 })
	const address = "tcp://127.0.0.1:1001"
	w, c := newWorker(t, s, address, 1), newClient(t, s, "c")
	eventually(t, s, "the client is known", func() bool { return s.loop.clients["c"] != nil })
	for _, topic := range []string{address, "c"} {
		if got := mustAsk(t, s, "events", field{"topic", topic}).([]any); len(got) == 0 {
			t.Errorf("no events of %s", topic)
		}
	}
	w.stop()
	c.stop()
	eventually(t, s, "the topics are gone", func() bool {
		return s.loop.topics.events[address] == nil && s.loop.topics.events["c"] == nil
	})
	if got := mustAsk(t, s, "events", field{"topic", "all"}).([]any); len(got) < 4 {
		t.Errorf("all: %v", got)
	}
	tp := newTopics(10, time.Hour)
	tp.add("back", topicEvent{})
	tp.depart("back", time.Time{})
	tp.clean(time.Time{}.Add(2*time.Hour), func(string) bool { return true })
	if tp.events["back"] == nil || len(tp.departed) != 0 {
		t.Error("the topic of a peer that is here was cleaned")
	}
}
