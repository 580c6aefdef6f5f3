package scheduler

import (
	"maps"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// keptTopics is how many topics are remembered.
const keptTopics = 10000

// topics remembers events and who wants to hear of them. The loop owns it.
type topics struct {
	kept        int           // events of one topic
	delay       time.Duration // for which a topic outlives the peer it is named after
	events      map[string][]topicEvent
	subscribers map[string][]string // topic to client ids
	departed    []departure         // oldest first
	full        bool                // it was said that there is no room for more topics
}

type topicEvent struct {
	at  time.Time
	msg wire.Opaque
}

// departure is the end of the worker or client that a topic is named after.
type departure struct {
	topic string
	at    time.Time
}

func newTopics(kept int, delay time.Duration) topics {
	return topics{kept: kept, delay: delay, events: map[string][]topicEvent{}, subscribers: map[string][]string{}}
}

func (t *topics) subscribe(topic, client string) {
	if !slices.Contains(t.subscribers[topic], client) {
		t.subscribers[topic] = append(t.subscribers[topic], client)
	}
}

func (t *topics) unsubscribe(topic, client string) {
	left := slices.DeleteFunc(t.subscribers[topic], func(c string) bool { return c == client })
	if len(left) == 0 {
		delete(t.subscribers, topic)
		return
	}
	t.subscribers[topic] = left
}

func (t *topics) forget(client string) {
	for topic := range t.subscribers {
		t.unsubscribe(topic, client)
	}
}

// add remembers an event. The oldest of a full topic go, an eighth at a time;
// when there are too many topics, those of the peers that left first. It reports
// false when there is no room for another topic.
func (t *topics) add(topic string, e topicEvent) bool {
	es, known := t.events[topic]
	for !known && len(t.events) >= keptTopics {
		if len(t.departed) == 0 {
			return false
		}
		t.drop(1)
	}
	if len(es) >= t.kept {
		es = append(es[:0:0], es[max(1, t.kept/8):]...)
	}
	t.events[topic] = append(es, e)
	return true
}

// remembered are the events of a topic, or of all (""), to be read outside of the
// loop: what is remembered is appended to and copied, never changed.
func (t *topics) remembered(topic string) map[string][]topicEvent {
	if topic != "" {
		return map[string][]topicEvent{topic: t.events[topic]}
	}
	return maps.Clone(t.events)
}

// depart notes that the peer named topic left. Peers that come and go quickly do
// not make the list longer than there are topics.
func (t *topics) depart(topic string, now time.Time) {
	if len(t.departed) >= 2*keptTopics {
		t.drop(keptTopics)
	}
	t.departed = append(t.departed, departure{topic, now})
}

// clean forgets the topics of peers that left long ago and have not come back.
func (t *topics) clean(now time.Time, here func(topic string) bool) {
	n := 0
	for n < len(t.departed) && now.Sub(t.departed[n].at) > t.delay {
		if here(t.departed[n].topic) {
			t.departed[n].topic = ""
		}
		n++
	}
	t.drop(n)
}

func (t *topics) drop(n int) {
	for _, d := range t.departed[:n] {
		delete(t.events, d.topic)
	}
	t.departed = slices.Delete(t.departed, 0, n)
}
