package state

import (
	"cmp"
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
		for _, v := range m.planBalance(r.Keys, r.Workers) {
			m.acquire(v.t, v.to, e).from = v.from
		}
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
		if m.droppable(a.t, a.from) && a.t.has.len() > a.t.pinned() {
			m.drop(a.t, a.from)
		}
	}
	r.endIfDone(m, e)
}

func (r *rebalancing) check(m *Machine, e *errand) { r.endIfDone(m, e) }

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
	if e.open == 0 {
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
	next        int // of a giver: index of the first result not looked at
}

// planBalance chooses what moves where, each result once.
func (m *Machine) planBalance(keys []wire.Key, addresses []string) (plan []move) {
	givers, takers := m.sides(addresses)
	may := m.movable(keys)
	for len(givers) > 0 && len(takers) > 0 {
		g := farthest(givers)
		t, to := m.nextMove(g, takers, may)
		if t == nil {
			givers = without(givers, g)
			continue
		}
		plan = append(plan, move{t, g.worker, to.worker})
		may[t] = false
		n := t.size(m)
		g.most, g.least = g.most-n, g.least-n
		to.most, to.least = to.most-n, to.least-n
		if g.least <= 0 {
			givers = without(givers, g)
		}
		if to.least <= 0 {
			takers = without(takers, to)
		}
	}
	return plan
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
		s := &side{worker: w}
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

// movable says of results whether they may move; nil keys mean all.
func (m *Machine) movable(keys []wire.Key) map[*task]bool {
	may := map[*task]bool{}
	for _, k := range keys {
		may[m.tasks.Get(k)] = true
	}
	if keys == nil {
		for _, w := range m.list {
			for _, t := range w.has {
				may[t] = true
			}
		}
	}
	return may
}

// nextMove is the giver's next result that fits, and who gets it.
func (m *Machine) nextMove(g *side, takers []*side, may map[*task]bool) (*task, *side) {
	for ; g.next < len(g.has); g.next++ {
		t := g.has[g.next]
		n := t.size(m)
		if !may[t] || t.is(actor) || n > g.most {
			continue
		}
		var best *side
		for _, s := range takers {
			if n <= s.most && t.has.find(s.worker) == nil && m.acquisition(t, s.worker) == nil &&
				(best == nil || s.most > best.most) {
				best = s
			}
		}
		if best != nil {
			g.next++
			return t, best
		}
	}
	return nil, nil
}

func farthest(ss []*side) *side {
	return slices.MaxFunc(ss, func(a, b *side) int { return cmp.Compare(a.most, b.most) })
}

func without(ss []*side, s *side) []*side {
	return slices.DeleteFunc(ss, func(x *side) bool { return x == s })
}
