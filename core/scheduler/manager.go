package scheduler

import "github.com/gdask/gdask/core/scheduler/state"

// ammHandler starts, stops or runs the active memory manager, or says whether it
// runs by itself.
func (c *call) ammHandler() (any, error) {
	method, running := c.str("method"), false
	switch method {
	case state.ManagerStart, state.ManagerStop, state.ManagerRunOnce:
		return nil, c.s.loop.do(c.ctx, func() { c.s.loop.apply(state.ManageMemory{Method: method}) })
	case "running":
		err := c.s.loop.do(c.ctx, func() { running = c.s.loop.m.ManagesMemory() })
		return running, err
	}
	return nil, asPython("ValueError", "amm_handler: no method %q; ask for start, stop, run_once or running", method)
}
