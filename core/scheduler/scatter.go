package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// scatterBound is how long a scatter waits for a worker when it does not say.
const scatterBound = 30 * time.Second

// scatter deals a client's values out to workers and enters them as its own.
func (c *call) scatter() (any, error) {
	values, err := dataOf(c.opaque("data"))
	if err != nil {
		return nil, fmt.Errorf("operation scatter: field data: %w", err)
	}
	defer c.attend()()
	workers, err := c.scatterTargets()
	if err != nil {
		return nil, err
	}
	shares := deal(values, workers, c.s.nextShare(len(values)))
	if err := c.send(shares); err != nil {
		c.takeBack(shares)
		return nil, err
	}
	keys := make([]wire.Key, len(values))
	for i := range values {
		keys[i] = values[i].Key
	}
	if err := c.enter(shares); err != nil {
		c.takeBack(shares)
		return nil, err
	}
	return &tree{keys}, c.broadcastTo(keys, workers)
}

// share is what one worker gets.
type share struct {
	to    target
	data  wire.DataMap
	sizes wire.KeySizes
}

func deal(values wire.DataMap, workers []target, first int) []share {
	shares := make([]share, min(len(workers), len(values)))
	for i, v := range values {
		s := &shares[i%len(shares)]
		s.to = workers[(first+i)%len(workers)]
		s.data = append(s.data, v)
	}
	return shares
}

// dataOf reads {key: value} with each value's own frames.
func dataOf(o wire.Opaque) (wire.DataMap, error) {
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	if err != nil {
		return nil, err
	}
	data := make(wire.DataMap, 0, min(int(n), len(b)))
	for range n {
		var k, v []byte
		if k, b, err = nextValue(b); err != nil {
			return nil, err
		}
		if v, b, err = nextValue(b); err != nil {
			return nil, err
		}
		value, err := cut(wire.Opaque{Raw: v, Frames: o.Frames})
		if err != nil {
			return nil, err
		}
		key, _, err := wire.ParseKey(k)
		if err != nil {
			return nil, err
		}
		data = append(data, wire.DataItem{Key: key, Value: value})
	}
	return data, nil
}

// scatterTargets are the running workers asked for; it waits for one.
func (c *call) scatterTargets() ([]target, error) {
	names, err := c.workerNames()
	if err != nil {
		return nil, err
	}
	bound := c.duration("timeout", scatterBound)
	ctx, cancel := context.WithTimeout(c.ctx, bound)
	defer cancel()
	for {
		var found []target
		err := c.s.loop.do(ctx, func() {
			for _, w := range c.s.loop.find(names) {
				if w.status == "running" {
					found = append(found, target{name: w.address, address: w.address, ctx: w.ctx})
				}
			}
		})
		if err == nil && len(found) > 0 {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, asPython("TimeoutError", "No valid workers found within %v: scatter needs a running worker", bound)
		case <-time.After(busyPause):
		}
	}
}

// send hands every share to its worker.
func (c *call) send(shares []share) error {
	errs := make([]error, len(shares))
	var wg sync.WaitGroup
	for i := range shares {
		wg.Go(func() { errs[i] = c.sendShare(&shares[i]) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("scatter to %s: %w", shares[i].to.address, err)
		}
	}
	return nil
}

func (c *call) sendShare(s *share) error {
	ctx, cancel := joinContext(c.ctx, s.to.ctx)
	defer cancel()
	var answer wire.UpdateDataReply
	err := c.s.pool.Call(ctx, s.to.address, &wire.UpdateData{Data: s.data}, &answer)
	s.sizes = answer.Nbytes
	return err
}

// takeBack has workers drop values of a scatter that failed: nobody else knows
// of them.
func (c *call) takeBack(shares []share) {
	l := c.s.loop
	l.post(func() {
		for i := range shares {
			w := l.workers[shares[i].to.address] // also one that has come back since
			if w == nil {
				continue
			}
			m := &wire.FreeKeys{StimulusID: "scatter-failed"}
			for _, d := range shares[i].data {
				if _, known := l.m.State(d.Key); !known {
					m.Keys = append(m.Keys, d.Key)
				}
			}
			if len(m.Keys) > 0 {
				l.tell(w, m)
			}
		}
		l.flush()
	})
}

// enter makes the machine know the scattered values, unless a worker was lost
// meanwhile: one that came back was told to drop what nobody knew of.
func (c *call) enter(shares []share) error {
	e := state.UpdateData{Client: c.str("client")}
	for i := range shares {
		s := &shares[i]
		for _, d := range s.data {
			e.WhoHas = append(e.WhoHas, wire.KeyAddress{Key: d.Key, Addresses: []string{s.to.address}})
		}
		e.Nbytes = append(e.Nbytes, s.sizes...)
	}
	var lost error
	err := c.s.loop.do(c.ctx, func() {
		for i := range shares {
			if to := shares[i].to; to.ctx.Err() != nil {
				lost = fmt.Errorf("scatter to %s: %w; scatter the values again", to.address, context.Cause(to.ctx))
				return
			}
		}
		c.s.loop.apply(e)
	})
	return errors.Join(err, lost)
}

// broadcastTo copies the values to all workers (or that many) when broadcast is
// set.
func (c *call) broadcastTo(keys []wire.Key, workers []target) error {
	n := int(c.float("broadcast", 0))
	if c.bool("broadcast", false) && n == 0 {
		n = len(workers)
	}
	if n <= 1 {
		return nil
	}
	names := make([]string, len(workers))
	for i := range workers {
		names[i] = workers[i].address
	}
	return c.s.spread(c.ctx, keys, names, min(n, len(names)), copyBound)
}

// nextShare is where the next values go, so that scatters of one value each do
// not all end at the same worker.
func (s *Scheduler) nextShare(n int) int {
	return int((s.dealt.Add(uint32(n)) - uint32(n)) & (1<<30 - 1))
}
