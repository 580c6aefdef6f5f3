package gdask

import (
	"context"
	"fmt"
	"iter"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// TopicEvent is one event of a topic; [TopicMsg] reads its message.
type TopicEvent = client.TopicEvent

// TopicMsg is the message of an event, which must fit T; any takes every message.
func TopicMsg[T any](e TopicEvent) (T, error) {
	return decodeAs[T](e.Msg, func() string { return "event of topic " + e.Topic })
}

// LogEvent publishes a message under topics: the scheduler remembers the latest
// and sends it to the clients, Go or Python, that have subscribed.
func (c *Client) LogEvent(msg any, topics ...string) error {
	o, err := task.EncodeValue(msg)
	if err == nil {
		err = c.core.LogEvent(o, topics...)
	}
	if err != nil {
		return fmt.Errorf("gdask: log an event of %q: %w", topics, err)
	}
	return nil
}

// LogEvent publishes a message under topics from inside of a task, without a
// client of its own.
func LogEvent(ctx context.Context, msg any, topics ...string) error {
	scope := worker.FromContext(ctx)
	if scope == nil {
		return fmt.Errorf("gdask: LogEvent of %q needs the context that a task was called with; elsewhere use Client.LogEvent", topics)
	}
	o, err := task.EncodeValue(msg)
	if err == nil {
		err = scope.LogEvent(o, topics...)
	}
	if err != nil {
		return fmt.Errorf("gdask: log an event of %q: %w", topics, err)
	}
	return nil
}

// TopicEvents are the events of a topic that the scheduler remembers, oldest first.
// Workers and clients have topics of their own, by address or id; the topic "all" has
// what happens to the cluster.
func (c *Client) TopicEvents(ctx context.Context, topic string) ([]TopicEvent, error) {
	return c.core.Events(ctx, topic)
}

// Subscription receives the events of one topic. Close it.
type Subscription struct{ s *client.Subscription }

// Subscribe begins to receive the events of a topic. It goes on after a loss of the
// scheduler's connection that the client came back from; events in between are
// only in [Client.TopicEvents].
func (c *Client) Subscribe(topic string) (*Subscription, error) {
	s, err := c.core.Subscribe(topic)
	if err != nil {
		return nil, fmt.Errorf("gdask: subscribe to %s: %w", topic, err)
	}
	return &Subscription{s}, nil
}

// Next waits for the next event until ctx ends or the client or subscription is
// closed.
func (s *Subscription) Next(ctx context.Context) (TopicEvent, error) { return s.s.Next(ctx) }

// All yields the events as they come. It ends with the error of Next.
func (s *Subscription) All(ctx context.Context) iter.Seq2[TopicEvent, error] {
	return func(yield func(TopicEvent, error) bool) {
		for {
			e, err := s.s.Next(ctx)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Dropped is how many events were dropped because nobody took them in time: at
// most 10,000 wait.
func (s *Subscription) Dropped() int { return s.s.Dropped() }

// Close ends the subscription.
func (s *Subscription) Close() { s.s.Close() }
