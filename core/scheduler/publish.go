package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// published keeps the named collections of clients. A dataset is a client of
// its own towards the machine, so its keys stay while it is there.
type published struct {
	mu       sync.Mutex
	datasets map[wire.Key]dataset
	flushes  map[string]chan struct{}
	reached  []string // marks in flushes that streams have reached, oldest first
}

// keptMarks bounds the marks that wait for their requests: those of clients that
// are gone never come.
const keptMarks = 10_000

type dataset struct {
	data wire.Opaque
	keys []wire.Key
}

// flushBound is how long a request waits for the messages of the same client's
// stream that were sent before it.
const flushBound = 30 * time.Second

func newPublished() *published {
	return &published{datasets: map[wire.Key]dataset{}, flushes: map[string]chan struct{}{}}
}

func (p *published) flush(uid string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	ch := p.flushes[uid]
	if ch == nil {
		ch = make(chan struct{}, 1)
		p.flushes[uid] = ch
	}
	return ch
}

// flushed notes that the stream has reached the mark uid.
func (p *published) flushed(uid string) {
	select {
	case p.flush(uid) <- struct{}{}:
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reached = append(p.reached, uid); len(p.reached) > keptMarks {
		delete(p.flushes, p.reached[0])
		p.reached = p.reached[1:]
	}
}

// awaitFlush waits for the mark that the request names, if it names one.
func (p *published) awaitFlush(ctx context.Context, uid string) error {
	if uid == "" || uid == "\xc0" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, flushBound)
	defer cancel()
	ch := p.flush(uid)
	defer func() {
		p.mu.Lock()
		delete(p.flushes, uid)
		p.mu.Unlock()
	}()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the client's stream did not arrive within %v: %w", flushBound, context.Cause(ctx))
	}
}

// many reads a field that is a list under its plural name, or one value under
// its singular name from clients before 2026.6.
func (c *call) many(plural, singular string) ([]wire.Opaque, error) {
	if c.has(plural) {
		return c.items(plural)
	}
	if c.has(singular) {
		return []wire.Opaque{c.opaque(singular)}, nil
	}
	return nil, nil
}

func (c *call) publishPut() (any, error) {
	if err := c.s.data.awaitFlush(c.ctx, string(c.raw("uid"))); err != nil {
		return nil, err
	}
	names, err := c.many("names", "name")
	if err != nil {
		return nil, err
	}
	single := !c.has("names")
	keys, data := []wire.Opaque{c.opaque("keys")}, []wire.Opaque{c.opaque("data")}
	if !single {
		if keys, err = c.items("keys"); err != nil {
			return nil, err
		}
		if data, err = c.items("data"); err != nil {
			return nil, err
		}
	}
	if len(keys) != len(names) || len(data) != len(names) {
		return nil, asPython("ValueError", "publish_put: %d names, %d lists of keys and %d values", len(names), len(keys), len(data))
	}
	for i := range names {
		kept, err := cut(encoded(data[i]))
		if err != nil {
			return nil, fmt.Errorf("publish_put: data: %w", err)
		}
		d := dataset{data: kept}
		list, err := elements(keys[i])
		if err != nil {
			return nil, fmt.Errorf("publish_put: keys: %w", err)
		}
		for _, k := range list {
			d.keys = append(d.keys, wire.Key(k.Raw))
		}
		if err := c.publish(wire.Key(names[i].Raw), d, c.bool("override", false)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *call) publish(name wire.Key, d dataset, override bool) error {
	p := c.s.data
	p.mu.Lock()
	defer p.mu.Unlock()
	old, exists := p.datasets[name]
	if exists && !override {
		return asPython("KeyError", "Dataset %s already exists", name.String())
	}
	p.datasets[name] = d
	owner, l := publisher(name), c.s.loop
	l.post(func() {
		l.apply(state.AddClient{ID: owner})
		l.apply(state.ClientDesiresKeys{Client: owner, Keys: d.keys})
		if gone := slices.DeleteFunc(slices.Clone(old.keys), func(k wire.Key) bool { return slices.Contains(d.keys, k) }); len(gone) > 0 {
			l.apply(state.ClientReleasesKeys{Client: owner, Keys: gone})
		}
	})
	return nil
}

func publisher(name wire.Key) string { return "published-" + name.String() }

func (c *call) publishDelete() (any, error) {
	if err := c.s.data.awaitFlush(c.ctx, string(c.raw("uid"))); err != nil {
		return nil, err
	}
	names, err := c.many("names", "name")
	if err != nil {
		return nil, err
	}
	p := c.s.data
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		name := wire.Key(n.Raw)
		if _, ok := p.datasets[name]; !ok {
			continue
		}
		delete(p.datasets, name)
		owner, l := publisher(name), c.s.loop
		l.post(func() { l.apply(state.RemoveClient{ID: owner}) })
	}
	return nil, nil
}

func (c *call) publishList() (any, error) {
	p := c.s.data
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]wire.Key, 0, len(p.datasets))
	for n := range p.datasets {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b wire.Key) int { return cmpText(a.String(), b.String()) })
	return &tree{names}, nil
}

func (c *call) publishGet() (any, error) {
	names, err := c.many("names", "name")
	if err != nil {
		return nil, err
	}
	p := c.s.data
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]any, len(names))
	for i, n := range names {
		if d, ok := p.datasets[wire.Key(n.Raw)]; ok {
			data := d.data
			out[i] = object{{"data", &data}, {"keys", d.keys}}
		}
	}
	if !c.has("names") {
		if len(out) == 0 {
			return nil, asPython("ValueError", "publish_get: no names given")
		}
		return &tree{out[0]}, nil
	}
	return &tree{out}, nil
}
