package scheduler

import (
	"sync/atomic"
	"time"
)

// loopLoad measures how busy the loop is. The loop writes, anybody reads.
type loopLoad struct {
	busy    atomic.Int64 // ns spent in turns
	turns   atomic.Int64
	items   atomic.Int64
	longest atomic.Int64 // ns of the longest turn ever

	saturation atomic.Int64 // share of the last interval that was busy, in millionths
	// Of the last call of sample; the loop's alone.
	sampledAt   time.Time
	sampledBusy int64
}

func (l *loopLoad) turn(d time.Duration, items int) {
	l.busy.Add(int64(d))
	l.turns.Add(1)
	l.items.Add(int64(items))
	if int64(d) > l.longest.Load() {
		l.longest.Store(int64(d))
	}
}

// sample closes an interval of the saturation.
func (l *loopLoad) sample(now time.Time) {
	busy := l.busy.Load()
	if span := now.Sub(l.sampledAt); !l.sampledAt.IsZero() && span > 0 {
		l.saturation.Store(int64(float64(busy-l.sampledBusy) / float64(span) * 1e6))
	}
	l.sampledAt, l.sampledBusy = now, busy
}

// Load says how busy the loop that owns the scheduler's state is.
type Load struct {
	// Saturation is the share of the last quarter second that the loop was busy, 0 to 1.
	Saturation float64
	// Busy is the time spent since the start, Longest the longest single turn.
	Busy, Longest time.Duration
	// Turns and Events count since the start.
	Turns, Events int64
}

// Load returns the present figures of the scheduler's loop.
func (s *Scheduler) Load() Load {
	l := &s.loop.load
	return Load{
		Saturation: min(1, float64(l.saturation.Load())/1e6),
		Busy:       time.Duration(l.busy.Load()),
		Longest:    time.Duration(l.longest.Load()),
		Turns:      l.turns.Load(),
		Events:     l.items.Load(),
	}
}
