package scheduler

import (
	"context"
	"sync"

	"github.com/gdask/gdask/sdk/wire"
)

// callStack asks the workers what their tasks do at this moment: those of the
// field keys and of what these wait for, or all. The stack of a task whose worker
// does not answer is the reason why.
func (c *call) callStack() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	defer c.attend()()
	stacks, err := c.s.callStacks(c.ctx, keys, c.has("keys"))
	return &tree{stacks}, err
}

// stackAsk is one worker and what it is asked.
type stackAsk struct {
	target
	running []wire.Key // as the scheduler knows it
}

func (s *Scheduler) callStacks(ctx context.Context, keys []wire.Key, some bool) (object, error) {
	asks, err := s.stackAsks(ctx, keys, some)
	if err != nil {
		return nil, err
	}
	answers := make([]any, len(asks))
	ctx, cancel := s.requestContext(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for i := range asks {
		wg.Go(func() { answers[i] = s.askStack(ctx, &asks[i], some) })
	}
	wg.Wait()
	out := object{}
	for i := range asks {
		if answers[i] != nil {
			out = append(out, field{asks[i].address, answers[i]})
		}
	}
	return out, nil
}

func (s *Scheduler) stackAsks(ctx context.Context, keys []wire.Key, some bool) (asks []stackAsk, err error) {
	var unknown []wire.Key
	err = s.loop.do(ctx, func() {
		l := s.loop
		on := map[string][]wire.Key{}
		if some {
			on, unknown = l.m.Underway(keys)
		}
		for _, w := range l.sortedWorkers() {
			running, wanted := on[w.address]
			if !some {
				running, wanted = l.m.Processing(w.address), true
			}
			if wanted {
				asks = append(asks, stackAsk{target{name: w.address, address: w.address, ctx: w.ctx}, running})
			}
		}
	})
	if len(unknown) > 0 {
		return nil, asPython("KeyError", "call_stack: no task %v", unknown[0])
	}
	return asks, err
}

// askStack is the worker's answer, nil when none of the tasks runs there.
func (s *Scheduler) askStack(ctx context.Context, a *stackAsk, some bool) any {
	fields := []field{{"keys", nil}}
	if some {
		fields[0].value = a.running
	}
	m, err := newAsk("call_stack", fields...)
	var o wire.Opaque
	if err == nil {
		ctx, cancel := joinContext(ctx, a.ctx)
		defer cancel()
		o, err = s.pool.CallRaw(ctx, a.address, m)
	}
	if err == nil {
		if o, err = wireBytes(o); err == nil && isMap(o) {
			return &o
		}
	}
	if err == nil || len(a.running) == 0 {
		return nil
	}
	why := keyed{}
	for _, k := range a.running {
		why = append(why, keyedItem{k, []string{"worker " + a.address + " did not answer: " + err.Error()}})
	}
	return why
}
