package scheduler

import (
	"bytes"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// event records an event and tells its subscribers.
func (l *loop) event(topic string, msg wire.Opaque) {
	e := topicEvent{l.now, msg}
	if !l.topics.add(topic, e) && !l.topics.full {
		l.topics.full = true // said once
		l.s.log.warn("events of new topics are not remembered, only sent to subscribers: use fewer topics", "limit", keptTopics, "topic", topic)
	}
	if len(l.hooked) > 0 {
		l.hookEvent(topic, msg)
	}
	for _, id := range l.topics.subscribers[topic] {
		if c := l.clients[id]; c != nil && l.keepsUp(c) {
			l.toClient(id, &wire.Event{Topic: topic, Event: e.opaque()})
		}
	}
}

// eventsWaiting is how many messages may wait for a client before it misses events:
// it does not read, and its connection may live for another minute.
const eventsWaiting = 10_000

// keepsUp says whether a client takes what it is sent.
func (l *loop) keepsUp(c *session) bool {
	behind := c.out.waiting() >= eventsWaiting
	if behind && !c.behind { // once per time that it falls behind
		l.s.log.warn("a client is slower than the events that it has subscribed to; it misses some", "client", c.id, "waiting", eventsWaiting)
	}
	c.behind = behind
	return !behind
}

// apart is o in memory of its own: what is kept of a message must not keep all
// that came with it.
func apart(o wire.Opaque) wire.Opaque {
	o = encoded(o)
	if own, err := cut(o); err == nil {
		o = own
	}
	var frames [][]byte
	for _, f := range o.Frames {
		frames = append(frames, bytes.Clone(f))
	}
	return wire.Opaque{Raw: bytes.Clone(o.Raw), Frames: frames}
}

// logEvent is event for the topics (one or several) that a peer names. msg is apart.
func (l *loop) logEvent(names, msg wire.Opaque) {
	list, err := elements(names)
	if err != nil || len(names.Raw) == 0 {
		list = []wire.Opaque{names}
	}
	for _, n := range list {
		if t := textOf(n); t != "" {
			l.event(t, msg)
		}
	}
}

// encoded is o as bytes, because it will be part of another value.
func encoded(o wire.Opaque) wire.Opaque {
	if o.Ref == nil || len(o.Raw) > 0 {
		return o
	}
	if b, err := msgp.AppendIntf(nil, o.Ref); err == nil {
		return wire.Opaque{Raw: b}
	}
	return wire.Opaque{Raw: msgp.AppendNil(nil)}
}

// opaque is the event as [time, msg].
func (e topicEvent) opaque() wire.Opaque {
	b := msgp.AppendArrayHeader(make([]byte, 0, 16+len(e.msg.Raw)), 2)
	b = msgp.AppendFloat64(b, unixSeconds(e.at))
	if len(e.msg.Raw) == 0 {
		b = msgp.AppendNil(b)
	}
	return wire.Opaque{Raw: append(b, e.msg.Raw...), Frames: e.msg.Frames}
}

// eventFields is an event of the scheduler's own: {"action": ..., name: text, ...}.
func eventFields(action string, kv ...string) wire.Opaque {
	b := msgp.AppendMapHeader(nil, uint32(1+len(kv)/2))
	b = msgp.AppendString(b, "action")
	b = msgp.AppendString(b, action)
	for _, s := range kv {
		b = msgp.AppendString(b, s)
	}
	return wire.Opaque{Raw: b}
}

// peerEvent is an event of a worker or client: for all and for its own topic.
func (l *loop) peerEvent(action, kind, name string, kv ...string) {
	l.event(name, eventFields(action, kv...))
	l.event("all", eventFields(action, append(kv, kind, name)...))
}

// cleanTopics forgets the topics of peers that left long ago.
func (l *loop) cleanTopics() {
	l.topics.clean(l.now, func(topic string) bool { return l.workers[topic] != nil || l.clients[topic] != nil })
}

func (c *call) logEvent() (any, error) {
	msg := apart(c.opaque("msg"))
	return nil, c.s.loop.do(c.ctx, func() { c.s.loop.logEvent(c.opaque("topic"), msg) })
}

// events answers with the remembered events of a topic, or of all by topic.
func (c *call) events() (any, error) {
	topic := c.str("topic")
	var known map[string][]topicEvent
	err := c.s.loop.do(c.ctx, func() { known = c.s.loop.topics.remembered(topic) })
	if err != nil {
		return nil, err
	}
	if topic != "" {
		return &tree{listEvents(known[topic])}, nil
	}
	all := object{}
	for _, t := range sortedKeys(known) {
		all = append(all, field{t, listEvents(known[t])})
	}
	return &tree{all}, nil
}

func listEvents(es []topicEvent) []any {
	out := make([]any, len(es))
	for i := range es {
		o := es[i].opaque()
		out[i] = &o
	}
	return out
}
