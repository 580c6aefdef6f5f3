package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// keptForSubscriber is how many events wait for a subscriber that does not read;
// the oldest are dropped then.
const keptForSubscriber = 10_000

// ErrUnsubscribed ends the wait for events of a closed subscription.
var ErrUnsubscribed = errors.New("client: subscription was closed")

// TopicEvent is one event of a topic.
type TopicEvent struct {
	Topic string
	Time  time.Time
	Msg   wire.Opaque
}

// Subscription receives the events of one topic, also those after a loss of
// the scheduler that the client came back from.
type Subscription struct {
	c       *Client
	topic   string
	queue   []TopicEvent
	dropped int
	wake    chan struct{} // capacity 1
	closed  bool
}

// Subscribe begins to receive the events of a topic. Close it.
func (c *Client) Subscribe(topic string) (*Subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	s := &Subscription{c: c, topic: topic, wake: make(chan struct{}, 1)}
	if c.topics == nil {
		c.topics = map[string][]*Subscription{}
	}
	if len(c.topics[topic]) == 0 {
		c.say(&wire.SubscribeTopic{Topic: topic, Client: c.id})
	}
	c.topics[topic] = append(c.topics[topic], s)
	return s, nil
}

// Close ends the subscription. Closing twice does nothing.
func (s *Subscription) Close() {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.closed {
		return
	}
	s.closed, s.queue = true, nil
	s.signal()
	left := slices.DeleteFunc(c.topics[s.topic], func(x *Subscription) bool { return x == s })
	if len(left) > 0 {
		c.topics[s.topic] = left
		return
	}
	delete(c.topics, s.topic)
	c.say(&wire.UnsubscribeTopic{Topic: s.topic, Client: c.id})
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next event. Several may wait; each event has one of them.
func (s *Subscription) Next(ctx context.Context) (TopicEvent, error) {
	for {
		if e, ok, err := s.take(); ok || err != nil {
			return e, err
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return TopicEvent{}, context.Cause(ctx)
		}
	}
}

// take is the first event, if there is one, or why there will be none. It wakes who
// waits beside when that one need not wait either.
func (s *Subscription) take() (e TopicEvent, ok bool, err error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	over := s.closed || s.c.err != nil
	switch {
	case len(s.queue) > 0:
		e, ok = s.queue[0], true
		s.queue[0] = TopicEvent{}
		s.queue = s.queue[1:]
	case s.c.err != nil:
		err = s.c.err
	case over:
		err = ErrUnsubscribed
	}
	if over || len(s.queue) > 0 {
		s.signal()
	}
	return e, ok, err
}

// Dropped is how many events were dropped because nobody took them in time.
func (s *Subscription) Dropped() int {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.dropped
}

// event hands an event to its subscribers. c.mu is held.
func (c *Client) event(m *wire.Event) {
	subs := c.topics[m.Topic]
	if len(subs) == 0 {
		return
	}
	e, err := topicEvent(m.Topic, m.Event)
	if err != nil {
		c.set.Logger.Warn("event not understood", "topic", m.Topic, "error", err)
		return
	}
	for _, s := range subs {
		if len(s.queue) >= keptForSubscriber {
			s.queue = s.queue[1:]
			s.dropped++
		}
		s.queue = append(s.queue, e)
		s.signal()
	}
}

// topicEvent reads [time, msg].
func topicEvent(topic string, o wire.Opaque) (TopicEvent, error) {
	o, err := plain(o)
	if err != nil {
		return TopicEvent{}, err
	}
	parts, err := split(o)
	if err != nil || len(parts) != 2 {
		return TopicEvent{}, fmt.Errorf("an event of topic %s is no pair of time and message: %w", topic, err)
	}
	seconds, _, err := msgp.ReadFloat64Bytes(parts[0].Raw)
	whole, part := math.Modf(seconds)
	return TopicEvent{Topic: topic, Time: time.Unix(int64(whole), int64(part*1e9)), Msg: parts[1]}, err
}

// LogEvent publishes a message to the subscribers of topics. What this client
// said before, such as a subscription, comes before it.
func (c *Client) LogEvent(msg wire.Opaque, topics ...string) error {
	names, err := wire.OpaqueOf(topics)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.say(&wire.LogEvent{Topic: names, Msg: msg})
	return nil
}

// Events are the events of a topic that the scheduler remembers, oldest first.
func (c *Client) Events(ctx context.Context, topic string) ([]TopicEvent, error) {
	o, err := c.call(ctx, "events", "topic", topic)
	if err != nil {
		return nil, err
	}
	parts, err := split(o)
	if err != nil {
		return nil, fmt.Errorf("client: events of topic %s: %w", topic, err)
	}
	out := make([]TopicEvent, len(parts))
	for i := range parts {
		if out[i], err = topicEvent(topic, parts[i]); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	return out, nil
}

// resubscribe says again, to a scheduler that may have forgotten this client, what
// it subscribed to. c.mu is held.
func (c *Client) resubscribe() {
	for topic := range c.topics {
		c.say(&wire.SubscribeTopic{Topic: topic, Client: c.id})
	}
}
