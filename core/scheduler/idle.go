package scheduler

import (
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
)

// idler decides when a scheduler that nobody uses has lived long enough, as
// Dask's distributed.scheduler.idle-timeout does: when no task has changed its
// state for that long, and none runs or waits for a worker. Connected clients
// and results in memory do not count as use.
type idler struct {
	limit       time.Duration // 0: never
	since       time.Time     // of the last sign of use
	transitions uint64        // seen then
}

// over takes the number of transitions so far and of tasks that run or could.
func (i *idler) over(now time.Time, transitions uint64, busy int) bool {
	if i.since.IsZero() || busy > 0 || transitions != i.transitions {
		i.since, i.transitions = now, transitions
	}
	return i.limit > 0 && now.Sub(i.since) >= i.limit
}

// checkIdle closes the scheduler once.
func (l *loop) checkIdle() {
	n := l.m.Counts()
	if !l.idle.over(l.now, l.m.Transitions(), n[state.Processing]+n[state.Queued]+n[state.NoWorker]) {
		return
	}
	l.s.log.info("closing: nothing was to do", "idle-timeout", l.idle.limit)
	l.idle.limit = 0
	go l.s.closeAsked()
}
