package scheduler

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// gathering fetches values from workers for a client that does not fetch them
// itself.
type gathering struct {
	s       *Scheduler
	ctx     context.Context
	data    wire.DataMap
	failed  []wire.Key
	useless map[string]bool              // workers that failed to answer
	without map[string]map[wire.Key]bool // keys that a worker turned out not to have
}

// busyPause is how long a gather leaves workers alone that said they are busy.
const busyPause = 50 * time.Millisecond

func (c *call) gather() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	defer c.attend()()
	g := &gathering{s: c.s, ctx: c.ctx, useless: map[string]bool{}, without: map[string]map[wire.Key]bool{}}
	if err := g.run(keys); err != nil {
		return nil, err
	}
	if len(g.failed) > 0 {
		return &tree{object{{"status", "error"}, {"keys", g.failed}}}, nil
	}
	if !c.conn.ByReference() {
		if err := encodeValues(g.data); err != nil {
			return nil, err
		}
	}
	return &wire.GetDataReply{Status: "OK", Data: g.data}, nil
}

// encodeValues encodes what a worker in this process handed over by reference.
func encodeValues(data wire.DataMap) error {
	for i := range data {
		v := &data[i].Value
		if v.Ref == nil || len(v.Raw) > 0 {
			continue
		}
		o, err := task.EncodeValue(v.Ref)
		if err != nil {
			return err
		}
		*v = o
	}
	return nil
}

// run asks in rounds until every key is there or has nobody left to ask.
func (g *gathering) run(keys []wire.Key) error {
	for len(keys) > 0 {
		plan, ctxs, err := g.plan(keys)
		if err != nil {
			return err
		}
		answers := g.ask(plan, ctxs)
		keys = keys[:0:0]
		busy := false
		for _, a := range answers {
			busy = busy || a.busy
			keys = append(keys, a.left...)
			g.data = append(g.data, a.data...)
		}
		if busy {
			select {
			case <-g.ctx.Done():
				return context.Cause(g.ctx)
			case <-time.After(busyPause):
			}
		}
	}
	return nil
}

// plan chooses a worker for each key; keys without one have failed.
func (g *gathering) plan(keys []wire.Key) (map[string][]wire.Key, map[string]context.Context, error) {
	plan, ctxs := map[string][]wire.Key{}, map[string]context.Context{}
	err := g.s.loop.do(g.ctx, func() {
		all := g.s.loop.holders(keys)
		for i, k := range keys {
			holders := g.usable(k, all[i])
			if len(holders) == 0 {
				g.failed = append(g.failed, k)
				continue
			}
			w := holders[rand.IntN(len(holders))]
			plan[w.address] = append(plan[w.address], k)
			ctxs[w.address] = w.ctx
		}
	})
	return plan, ctxs, err
}

func (g *gathering) usable(k wire.Key, holders []*workerPeer) []*workerPeer {
	kept := holders[:0]
	for _, w := range holders {
		if !g.useless[w.address] && !g.without[w.address][k] {
			kept = append(kept, w)
		}
	}
	return kept
}

type gathered struct {
	address string
	data    wire.DataMap
	left    []wire.Key // to be asked for again, of others unless busy
	busy    bool
}

// ask asks all workers of the plan at once.
func (g *gathering) ask(plan map[string][]wire.Key, ctxs map[string]context.Context) []gathered {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var answers []gathered
	for address, keys := range plan {
		wg.Go(func() {
			ctx, cancel := joinContext(g.ctx, ctxs[address])
			defer cancel()
			reply, err := g.s.pool.GetData(ctx, address, &wire.GetData{Keys: keys})
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, g.judge(address, keys, reply, err))
		})
	}
	wg.Wait()
	return answers
}

// judge sorts a worker's answer; it runs under ask's lock.
func (g *gathering) judge(address string, keys []wire.Key, reply *wire.GetDataReply, err error) gathered {
	a := gathered{address: address}
	switch {
	case err != nil:
		if _, ok := errors.AsType[*wire.RemoteError](err); ok {
			g.s.log.warn("worker failed to hand over data", "worker", address, "error", err)
		}
		g.useless[address] = true
		a.left = keys
		return a
	case reply.Status == "busy":
		a.busy, a.left = true, keys
		return a
	}
	a.data = reply.Data
	if len(a.data) == len(keys) {
		return a
	}
	there := make(map[wire.Key]bool, len(a.data))
	for i := range a.data {
		there[a.data[i].Key] = true
	}
	lacks := map[wire.Key]bool{}
	for _, k := range keys {
		if !there[k] {
			a.left = append(a.left, k)
			lacks[k] = true
		}
	}
	g.note(address, lacks, a.left)
	return a
}

// note tells the machine that a worker lacks keys it was believed to hold.
func (g *gathering) note(address string, lacks map[wire.Key]bool, keys []wire.Key) {
	if g.without[address] == nil {
		g.without[address] = map[wire.Key]bool{}
	}
	for k := range lacks {
		g.without[address][k] = true
	}
	g.s.loop.in.push(item{ev: state.MissingData{Worker: address, Keys: keys}})
}

// joinContext ends when either does: a request to a worker must not outlive it.
func joinContext(ctx, other context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(other, func() { cancel(context.Cause(other)) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}
