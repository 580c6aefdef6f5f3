package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// Entry is what queues and variables hold: a future or an encoded value.
type Entry struct {
	Future *Future // nil: a value
	Value  wire.Opaque
}

func (e *Entry) field() (string, any, error) {
	if e.Future == nil {
		return "data", e.Value, nil
	}
	if err := e.Future.Unsent(); err != nil {
		return "", nil, err
	}
	return "key", e.Future.Key(), nil
}

// Queue is a queue that clients share by its name.
type Queue struct {
	c      *Client
	name   string
	max    int
	saying turn // of the creation

	mu      sync.Mutex
	created bool
	closed  bool
}

// Queue takes part in the queue of a name, "" for a new one, which is made with
// the first request. At most limit items fit; zero or less: no limit.
func (c *Client) Queue(name string, limit int) *Queue {
	return &Queue{c: c, name: nameOr("queue", name), max: limit, saying: newTurn()}
}

// Name is the queue's name.
func (q *Queue) Name() string { return q.name }

var errQueueClosed = errors.New("client: queue was closed; make a new one")

func (q *Queue) create(ctx context.Context) error {
	if err := q.saying.take(ctx); err != nil {
		return err
	}
	defer q.saying.give()
	if created, err := q.present(); created || err != nil {
		return err
	}
	if _, err := q.c.coordinate(ctx, "queue_create", false, "name", q.name, "maxsize", q.max); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.created = true; q.closed { // meanwhile: its Close had nothing to give up
		return errors.Join(errQueueClosed, q.c.saySomething("queue_release", "name", q.name))
	}
	return nil
}

// present says whether the queue was created; one that was closed is an error.
func (q *Queue) present() (created bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, errQueueClosed
	}
	return q.created, nil
}

// Put appends an item; it waits for room.
func (q *Queue) Put(ctx context.Context, e Entry) error {
	if err := q.create(ctx); err != nil {
		return err
	}
	name, value, err := e.field()
	if err != nil {
		return err
	}
	_, err = q.c.coordinate(ctx, "queue_put", true, "name", q.name, name, value)
	return err
}

// Get takes the first item; it waits for one. An item that arrives when ctx has
// ended goes back.
func (q *Queue) Get(ctx context.Context) (Entry, error) {
	if err := q.create(ctx); err != nil {
		return Entry{}, err
	}
	o, err := q.c.take(ctx, "queue_get", "name", q.name)
	if err != nil {
		return Entry{}, err
	}
	return q.received(o)
}

// GetBatch takes n items, waiting for them; 0 takes what is there.
func (q *Queue) GetBatch(ctx context.Context, n int) ([]Entry, error) {
	if err := q.create(ctx); err != nil {
		return nil, err
	}
	batch := any(n)
	if n == 0 {
		batch = true
	}
	o, err := q.c.take(ctx, "queue_get", "name", q.name, "batch", batch)
	if err != nil {
		return nil, err
	}
	parts, err := split(o)
	if err != nil {
		return nil, fmt.Errorf("client: items of queue %s: %w", q.name, err)
	}
	es := make([]Entry, len(parts))
	for i := range parts {
		if es[i], err = q.received(parts[i]); err != nil {
			return nil, err
		}
	}
	return es, nil
}

// received reads one item and confirms a future.
func (q *Queue) received(o wire.Opaque) (Entry, error) {
	e, _, err := q.c.entry(o)
	if err != nil {
		return e, fmt.Errorf("client: item of queue %s: %w", q.name, err)
	}
	if e.Future != nil {
		err = q.c.saySomething("queue-future-release", "name", q.name, "key", e.Future.Key())
	}
	return e, err
}

// Len is the number of items.
func (q *Queue) Len(ctx context.Context) (int, error) {
	if err := q.create(ctx); err != nil {
		return 0, err
	}
	return q.c.number(ctx, "queue_qsize", "name", q.name)
}

// Close gives the part in the queue up. The last one that does ends the queue
// and drops what is in it. Closing twice does nothing.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || !q.created {
		q.closed = true
		return nil
	}
	q.closed = true
	return q.c.saySomething("queue_release", "name", q.name)
}

// entry reads a record; of a future it takes a wish.
func (c *Client) entry(o wire.Opaque) (e Entry, token string, err error) {
	kind, _ := o.Field("type")
	value, _ := o.Field("value")
	if kind.Text() != "Future" {
		e.Value = value
		return e, "", nil
	}
	k, _, err := wire.ParseKey(value.Raw)
	if err != nil {
		return e, "", err
	}
	t, _ := o.Field("token")
	e.Future = &c.Desire([]wire.Key{k})[0]
	return e, t.Text(), nil
}

// split is a list as its elements.
func split(o wire.Opaque) ([]wire.Opaque, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(o.Raw)
	if err != nil {
		return nil, err
	}
	parts := make([]wire.Opaque, 0, min(int(n), len(b)))
	for range n {
		rest, err := msgp.Skip(b)
		if err != nil {
			return nil, err
		}
		cut := len(b) - len(rest)
		parts = append(parts, wire.Opaque{Raw: b[:cut:cut], Frames: o.Frames})
		b = rest
	}
	return parts, nil
}
