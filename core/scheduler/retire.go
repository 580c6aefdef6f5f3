package scheduler

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// retireBound is how long a retirement may take to move data and let running
// tasks end; after it the workers go as they are.
const retireBound = 60 * time.Second

// retireWorkers takes workers out of service without losing what only they hold.
func (c *call) retireWorkers() (any, error) {
	names, err := c.retirees()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.duration("timeout", retireBound))
	defer cancel()
	var leaving []*workerPeer
	out := object{}
	err = c.s.loop.do(ctx, func() {
		l := c.s.loop
		leaving = l.mayRetire(l.find(names), c.bool("remove", true))
		for _, w := range leaving {
			out = append(out, field{w.address, w.identity()})
			l.tell(w, &wire.WorkerStatusChange{Status: "closing_gracefully", StimulusID: c.str("stimulus_id")})
			l.workerStatus(w, "closing_gracefully", c.str("stimulus_id"))
		}
	})
	if err != nil {
		return nil, err
	}
	if err := c.s.moveData(ctx, leaving); err != nil {
		c.s.log.warn("not all data of retiring workers was moved", "error", err)
	}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range leaving {
			c.s.loop.retire(w, c.bool("close_workers", false), c.bool("remove", true))
		}
	})
	return &tree{out}, err
}

// retirees are the names in the fields workers or names; with neither the
// caller leaves the choice to the scheduler.
func (c *call) retirees() ([]string, error) {
	for _, f := range []string{"workers", "names"} {
		if c.has(f) {
			names, err := c.texts(f)
			return append([]string{}, names...), err
		}
	}
	return c.cheapest()
}

// retire ends w's service after its data was moved.
func (l *loop) retire(w *workerPeer, closeIt, remove bool) {
	if w.gone {
		return
	}
	w.closing = true
	if closeIt {
		l.tell(w, &wire.CloseWorker{Reason: "scheduler-retire"})
	}
	l.flush()
	if remove {
		l.retireNow(w, closeIt)
	}
}

// retireNow removes w; a worker that was told to close keeps its connection
// until it has read that.
func (l *loop) retireNow(w *workerPeer, told bool) {
	st := w.out.stream
	if !told || st == nil {
		l.dropWorker(w, "retired", true)
		return
	}
	l.forgetWorker(w, "retired", true)
	l.s.wg.Go(func() {
		ctx, cancel := context.WithTimeout(l.s.ctx, farewellBound)
		defer cancel()
		_ = st.Close(ctx, true)
	})
}

// tell sends a message of the shell's own to a worker.
func (l *loop) tell(w *workerPeer, m wire.Msg) {
	if !w.gone && w.out.add(m) {
		l.dirty = append(l.dirty, &w.out)
	}
}

// moveData waits for the leaving workers' tasks and has others fetch what only
// the leaving ones hold, again until nothing is left or ctx ends.
func (s *Scheduler) moveData(ctx context.Context, leaving []*workerPeer) error {
	for {
		var moves map[string]wire.KeyAddresses
		busy := false
		err := s.loop.do(ctx, func() { moves, busy = s.loop.planMoves(leaving) })
		if err != nil || len(moves) == 0 && !busy {
			return err
		}
		if err := s.copyTo(ctx, moves); err != nil {
			s.log.warn("moving data off a retiring worker failed, trying again", "error", err)
		} else if len(moves) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d workers still hold data or run tasks: %w", len(leaving), context.Cause(ctx))
		case <-time.After(busyPause):
		}
	}
}

// planMoves gives every key that only leaving workers hold a new place, and
// says whether they still run tasks. Nothing is planned when nobody stays.
func (l *loop) planMoves(leaving []*workerPeer) (moves map[string]wire.KeyAddresses, busy bool) {
	var staying []*workerPeer
	for _, w := range l.sortedWorkers() {
		if !slices.Contains(leaving, w) && w.status == "running" {
			staying = append(staying, w)
		}
	}
	moves = map[string]wire.KeyAddresses{}
	if len(staying) == 0 {
		return moves, false
	}
	next := 0
	for _, w := range leaving {
		if w.gone {
			continue
		}
		busy = busy || len(l.m.Processing(w.address)) > 0
		keys := slices.DeleteFunc(l.m.HasWhat(w.address), l.m.IsActor)
		holders := l.holders(keys)
		for i, k := range keys {
			if slices.ContainsFunc(holders[i], func(h *workerPeer) bool { return slices.Contains(staying, h) }) {
				continue
			}
			to := staying[next%len(staying)].address
			next++
			moves[to] = append(moves[to], wire.KeyAddress{Key: k, Addresses: []string{w.address}})
		}
	}
	return moves, busy
}

// copyTo has each worker of moves fetch its keys and enters the new copies.
func (s *Scheduler) copyTo(ctx context.Context, moves map[string]wire.KeyAddresses) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var first error
	for to, keys := range moves {
		wg.Go(func() {
			if err := s.copyKeys(ctx, to, keys); err != nil {
				mu.Lock()
				first = err
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return first
}

// copyKeys asks the worker at address to fetch keys from their holders.
func (s *Scheduler) copyKeys(ctx context.Context, address string, keys wire.KeyAddresses) error {
	ctx, cancel := s.requestContext(ctx)
	defer cancel()
	m, err := newAsk("gather", field{"who_has", &keys})
	if err != nil {
		return fmt.Errorf("gather on %s: %w", address, err)
	}
	answer, err := s.pool.CallRaw(ctx, address, m)
	if err != nil {
		return fmt.Errorf("gather on %s: %w", address, err)
	}
	missing, err := missingOf(answer)
	if err != nil {
		return fmt.Errorf("gather on %s: %w", address, err)
	}
	copied := &wire.AddKeys{}
	for _, k := range keys {
		if !slices.Contains(missing, k.Key) {
			copied.Keys = append(copied.Keys, k.Key)
		}
	}
	err = s.loop.do(ctx, func() { s.loop.apply(state.AddKeys{Worker: address, AddKeys: copied}) })
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("gather on %s: %d keys could not be fetched", address, len(missing))
	}
	return err
}

// missingOf reads the keys that a worker's gather did not get.
func missingOf(answer wire.Opaque) ([]wire.Key, error) {
	raw, err := wireBytes(answer)
	if err != nil {
		return nil, err
	}
	fields, err := splitMap(raw)
	if err != nil {
		return nil, err
	}
	r := &request{op: "gather", fields: fields}
	if r.str("status") == "OK" {
		return nil, nil
	}
	return r.keys("keys")
}

// wireBytes is o as bytes, also when it came by reference.
func wireBytes(o wire.Opaque) (wire.Opaque, error) {
	if m, ok := o.Ref.(msgp.Marshaler); ok && len(o.Raw) == 0 {
		b, err := m.MarshalMsg(nil)
		return wire.Opaque{Raw: b}, err
	}
	return encoded(o), nil
}

// replicate has more workers fetch copies, until each key has n (default: all).
func (c *call) replicate() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	names, err := c.workerNames()
	if err != nil {
		return nil, err
	}
	moves := map[string]wire.KeyAddresses{}
	err = c.s.loop.do(c.ctx, func() { c.s.loop.planCopies(moves, keys, names, int(c.float("n", 0))) })
	if err != nil {
		return nil, err
	}
	return nil, c.s.copyTo(c.ctx, moves)
}

// planCopies enters into moves which of the named workers shall fetch what.
func (l *loop) planCopies(moves map[string]wire.KeyAddresses, keys []wire.Key, names []string, n int) {
	among := l.find(names)
	if n <= 0 || n > len(among) {
		n = len(among)
	}
	for i, held := range l.m.WhoHas(keys) {
		k, holders := held.Key, held.Addresses
		have := 0
		if l.m.IsActor(k) {
			continue
		}
		for _, w := range among {
			if slices.Contains(holders, w.address) {
				have++
			}
		}
		for j := 0; have < n && j < len(among) && len(holders) > 0; j++ {
			w := among[(i+j)%len(among)]
			if w.status == "running" && !slices.Contains(holders, w.address) {
				moves[w.address] = append(moves[w.address], wire.KeyAddress{Key: k, Addresses: holders})
				have++
			}
		}
	}
}
