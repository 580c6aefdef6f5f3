package state

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Balance are the limits of rebalance, under Dask's names of the keys below
// distributed.worker.memory.rebalance. Fractions are of a worker's memory limit.
type Balance struct {
	// Measure is the figure that is balanced; default optimistic.
	Measure string
	// SenderMin is what a worker must use to give something away, RecipientMax
	// what one may use that gets something; default 0.3 and 0.6.
	SenderMin, RecipientMax float64
	// SenderRecipientGap is how far around the mean nothing moves, half of it
	// to each side; default 0.1.
	SenderRecipientGap float64
}

// Rebalance moves results from workers that use much memory to those that use
// little. They are moved one by one from the worker farthest above the mean to
// the one farthest below it, so that none passes the mean.
type Rebalance struct {
	ID      int64
	Keys    []wire.Key // that may move; nil: all
	Workers []string   // addresses; nil: all
	Timeout time.Duration
}

func (e Rebalance) apply(m *Machine) { m.send(e.ID, e.Timeout, &rebalancing{Rebalance: e}) }

// rebalancing is the errand of Rebalance.
type rebalancing struct {
	Rebalance
	plan   *balancePlan
	failed []wire.Key
	moved  int
}

func (r *rebalancing) shared() bool { return false }

func (r *rebalancing) abandon(m *Machine, e *errand) { r.late(m, e) }

func (r *rebalancing) begin(m *Machine, e *errand) {
	for _, k := range r.Keys {
		if t := m.tasks.Get(k); t == nil || t.state != Memory {
			r.failed = append(r.failed, k)
		}
	}
	if len(r.failed) == 0 {
		r.plan = m.planBalance(r.Keys, r.Workers)
	}
	r.proceed(m, e)
}

// proceed carries the plan out as far as there is room for more copies.
func (r *rebalancing) proceed(m *Machine, e *errand) {
	for room := e.room(); room > 0 && r.plan != nil; room-- {
		v, ok := r.plan.next(m)
		if !ok {
			r.plan = nil
			break
		}
		m.acquire(v.t, v.to, e).from = v.from
	}
	r.endIfDone(m, e)
}

func (r *rebalancing) copied(m *Machine, e *errand, a *acquisition) {
	switch {
	case !a.got:
		if a.t.state == Memory {
			r.failed = append(r.failed, a.t.key)
		}
	default:
		r.moved++
		if a.t.has.len() > a.t.pinned() && m.droppable(a.t, a.from) {
			m.drop(a.t, a.from)
		}
	}
	r.proceed(m, e)
}

func (r *rebalancing) check(m *Machine, e *errand) { r.proceed(m, e) }

func (r *rebalancing) late(m *Machine, e *errand) {
	for _, as := range m.copies {
		for _, a := range as {
			if a.by == e {
				r.failed = append(r.failed, a.t.key)
			}
		}
	}
	slices.Sort(r.failed)
	r.end(m, e)
}

func (r *rebalancing) endIfDone(m *Machine, e *errand) {
	if e.open == 0 && r.plan == nil {
		r.end(m, e)
	}
}

func (r *rebalancing) end(m *Machine, e *errand) {
	d := ErrandDone{Status: ErrandOK, Copied: r.moved}
	if len(r.failed) > 0 {
		d.Status, d.Keys = ErrandPartial, r.failed
		d.Reason = fmt.Sprintf("%d keys are not in memory or could not be copied", len(r.failed))
	}
	m.finish(e, d)
}

// move is one result from one worker to another.
type move struct {
	t        *task
	from, to *worker
}

// side is a worker that gives or gets results: bytes until it is at the mean,
// and until it is near enough to it.
type side struct {
	*worker
	most, least int64
	at          int // of a giver: index of the first result not looked at
	place       int // among the workers, where all else is equal
}

// farther orders sides: the one farthest from the mean first.
func (s *side) farther(o *side) bool {
	return s.most > o.most || s.most == o.most && s.place < o.place
}

// balancePlan chooses what moves where, each result once. It is carried out bit
// by bit, from the figures of its beginning.
type balancePlan struct {
	givers, takers heap[*side]
	only           map[*task]bool // that may move; nil: all
	planned        map[*task]bool
}

func (m *Machine) planBalance(keys []wire.Key, addresses []string) *balancePlan {
	p := &balancePlan{planned: map[*task]bool{}}
	p.givers.before, p.takers.before = (*side).farther, (*side).farther
	givers, takers := m.sides(addresses)
	p.givers.fill(givers)
	p.takers.fill(takers)
	if keys != nil {
		p.only = make(map[*task]bool, len(keys))
		for _, k := range keys {
			p.only[m.tasks.Get(k)] = true
		}
	}
	return p
}

// next is the next move, of the giver that is farthest from the mean.
func (p *balancePlan) next(m *Machine) (v move, ok bool) {
	for p.givers.len() > 0 && p.takers.len() > 0 {
		g := p.givers.pop()
		t, to := p.nextOf(m, g)
		if t == nil {
			continue // it has nothing more to give
		}
		p.planned[t] = true
		n := t.size(m)
		g.most, g.least = g.most-n, g.least-n
		to.most, to.least = to.most-n, to.least-n
		if g.least > 0 {
			p.givers.push(g)
		}
		if to.least > 0 {
			p.takers.push(to)
		}
		return move{t, g.worker, to.worker}, true
	}
	return move{}, false
}

// nextOf is the giver's next result that fits somewhere, and who gets it: the
// taker leaves the heap.
func (p *balancePlan) nextOf(m *Machine, g *side) (*task, *side) {
	for ; g.at < len(g.has); g.at++ {
		t := g.has[g.at]
		if p.planned[t] || t.is(actor) || t.size(m) > g.most || p.only != nil && !p.only[t] {
			continue
		}
		if to := p.takerOf(m, t); to != nil {
			g.at++
			return t, to
		}
	}
	return nil, nil
}

// takerOf takes the first one out that has room for a result and no copy of it.
func (p *balancePlan) takerOf(m *Machine, t *task) (found *side) {
	m.markCopies(t)
	var aside []*side
	for p.takers.len() > 0 && found == nil && t.size(m) <= p.takers.items[0].most {
		s := p.takers.pop()
		switch {
		case !s.running() || m.workers[s.address] != s.worker: // it left meanwhile
		case s.marked == m.marks:
			aside = append(aside, s)
		default:
			found = s
		}
	}
	for _, s := range aside {
		p.takers.push(s)
	}
	return found
}

// sides are the running workers above and below the mean, as far as they are
// worth it.
func (m *Machine) sides(addresses []string) (givers, takers []*side) {
	ws := m.runningAmong(addresses)
	if len(ws) == 0 {
		return nil, nil
	}
	uses, mean := make([]int64, len(ws)), int64(0)
	for i, w := range ws {
		uses[i] = w.measure(m.c.Rebalance.Measure)
		mean += uses[i] / int64(len(ws))
	}
	for i, w := range ws {
		gap, low, high := int64(0), 0.0, math.Inf(1)
		if limit := float64(w.reg.MemoryLimit); limit > 0 {
			gap = int64(m.c.Rebalance.SenderRecipientGap / 2 * limit)
			low, high = m.c.Rebalance.SenderMin*limit, m.c.Rebalance.RecipientMax*limit
		}
		s := &side{worker: w, place: i}
		switch n := uses[i]; {
		case len(w.has) > 0 && n >= mean+gap && float64(n) >= low:
			s.most, s.least = n-mean, n-mean-gap
			givers = append(givers, s)
		case n < mean-gap && float64(n) < high:
			s.most, s.least = mean-n, mean-n-gap
			takers = append(takers, s)
		}
	}
	return givers, takers
}
