package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// fetchKeys bounds the keys of one request, fetchBytes their results where the
// scheduler said how big they are.
const (
	fetchKeys  = 4096
	fetchBytes = 64 << 20
)

// Result waits for the future and fetches its result.
func (f *Future) Result(ctx context.Context) (wire.Opaque, error) {
	if o, ok, err := f.quick(); ok {
		return o, err
	}
	out, err := f.c.Gather(ctx, []*Future{f}, false)
	if err != nil {
		return wire.Opaque{}, err
	}
	return out[0].Value, out[0].Err
}

// quick answers what needs no fetch.
func (f *Future) quick() (_ wire.Opaque, known bool, _ error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	switch s := f.s; {
	case s.status == Finished && s.value != nil:
		return *s.value, true, nil
	case s.status == Erred || s.status == Cancelled:
		return wire.Opaque{}, true, s.err
	}
	return wire.Opaque{}, false, nil
}

// Outcome is what came of one future: a value, or why there is none.
type Outcome struct {
	Value wire.Opaque
	Err   error
}

// Gather waits for the futures, all of this client, and fetches their results,
// in order. With failFast the first failure ends it and is returned; without,
// failures are told in the outcomes and only the end of ctx is an error. Results
// whose workers die meanwhile are waited for again.
func (c *Client) Gather(ctx context.Context, fs []*Future, failFast bool) ([]Outcome, error) {
	g := &gathering{c: c, fs: fs, out: make([]Outcome, len(fs)), got: make([]bool, len(fs)), left: make([]int, len(fs))}
	for i := range fs {
		g.left[i] = i
	}
	until := All
	if failFast {
		until = FirstError
	}
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if err := c.Wait(ctx, g.waiting(), until); err != nil {
			return nil, err
		}
		loads, err := g.sort(failFast)
		if err != nil {
			return nil, err
		}
		g.fetchAll(ctx, loads)
		if len(g.left) == 0 {
			return g.out, nil
		}
		if len(g.missed) == 0 {
			continue
		}
		if err := g.askAgain(ctx); err != nil {
			return nil, err
		}
		if len(g.left) == 0 {
			return g.out, nil
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// gathering is one Gather under way.
type gathering struct {
	c      *Client
	fs     []*Future
	out    []Outcome
	got    []bool // by index of fs: a value has come
	left   []int  // indexes of fs without an outcome
	mu     sync.Mutex
	missed []int // indexes that no worker could give
}

func (g *gathering) waiting() []*Future {
	if len(g.left) == len(g.fs) {
		return g.fs
	}
	fs := make([]*Future, len(g.left))
	for i, j := range g.left {
		fs[i] = g.fs[j]
	}
	return fs
}

// load is what one request fetches.
type load struct {
	address string
	index   []int // of gathering.fs
	bytes   int64
}

// sort takes the outcomes that are known and packs the others into loads.
func (g *gathering) sort(failFast bool) ([]*load, error) {
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	var loads []*load
	open := map[string]*load{}
	left := g.left[:0]
	for _, i := range g.left {
		s := g.fs[i].s
		switch {
		case s.status == Erred || s.status == Cancelled:
			if failFast {
				return nil, s.err
			}
			g.out[i].Err = s.err
			continue
		case s.status == Finished && s.value != nil:
			g.out[i].Value = *s.value
			continue
		case s.status == Finished:
			loads = pack(loads, open, s, i)
		}
		left = append(left, i)
	}
	g.left = left
	return loads, nil
}

func pack(loads []*load, open map[string]*load, s *state, i int) []*load {
	address := "" // unknown: by the scheduler
	if len(s.workers) > 0 {
		address = s.workers[i%len(s.workers)]
	}
	l := open[address]
	if l == nil || len(l.index) >= fetchKeys || l.bytes+s.nbytes > fetchBytes && l.bytes > 0 {
		l = &load{address: address}
		open[address] = l
		loads = append(loads, l)
	}
	l.index = append(l.index, i)
	l.bytes += s.nbytes
	return loads
}

// fetchAll runs the loads, a bounded number at a time.
func (g *gathering) fetchAll(ctx context.Context, loads []*load) {
	g.missed = nil
	if len(loads) == 1 {
		g.fetch(ctx, loads[0])
	} else {
		var wg sync.WaitGroup
		slots := make(chan struct{}, 16)
		for _, l := range loads {
			slots <- struct{}{}
			wg.Go(func() {
				g.fetch(ctx, l)
				<-slots
			})
		}
		wg.Wait()
	}
	g.left = slices.DeleteFunc(g.left, func(i int) bool { return g.got[i] })
}

func (g *gathering) fetch(ctx context.Context, l *load) {
	keys := make(wire.KeySet, len(l.index))
	for i, j := range l.index {
		keys[i] = g.fs[j].s.key
	}
	data, err := g.c.fetch(ctx, l.address, keys)
	if err != nil && ctx.Err() == nil {
		g.c.set.Logger.Debug("cannot fetch results", "worker", l.address, "keys", len(keys), "error", err)
	}
	var missed []int
	byKey := map[wire.Key]wire.Opaque(nil)
	for i, j := range l.index {
		if i < len(data) && data[i].Key == keys[i] {
			g.out[j] = Outcome{Value: data[i].Value}
			g.got[j] = true
			continue
		}
		if byKey == nil {
			byKey = index(data)
		}
		if v, ok := byKey[keys[i]]; ok {
			g.out[j], g.got[j] = Outcome{Value: v}, true
		} else {
			missed = append(missed, j)
		}
	}
	g.mu.Lock()
	g.missed = append(g.missed, missed...)
	g.mu.Unlock()
}

func index(data wire.DataMap) map[wire.Key]wire.Opaque {
	m := make(map[wire.Key]wire.Opaque, len(data))
	for _, d := range data {
		m[d.Key] = d.Value
	}
	return m
}

// askAgain lets the scheduler fetch what the workers did not give: it either
// has the data or learns that they are gone. What is still missing is open again
// and the scheduler is asked to tell what becomes of it.
func (g *gathering) askAgain(ctx context.Context) error {
	keys := make([]wire.Key, len(g.missed))
	gens := make([]uint32, len(g.missed))
	g.c.mu.Lock()
	for i, j := range g.missed {
		keys[i], gens[i] = g.fs[j].s.key, g.fs[j].s.gen
	}
	g.c.mu.Unlock()
	data, err := g.c.gatherByScheduler(ctx, keys)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	got := index(data)
	g.c.mu.Lock()
	defer g.c.mu.Unlock()
	var asks []wire.Msg
	for i, j := range g.missed {
		s := g.fs[j].s
		if v, ok := got[keys[i]]; ok {
			g.out[j], g.got[j] = Outcome{Value: v}, true
		} else if s.gen == gens[i] && s.status == Finished && s.inTable {
			s.reopen(Lost)
			asks = append(asks, &wire.ReportKey{Key: s.key})
		}
	}
	g.c.say(asks...)
	g.left = slices.DeleteFunc(g.left, func(i int) bool { return g.got[i] })
	return nil
}
