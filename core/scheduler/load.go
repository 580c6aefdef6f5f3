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
	// The longest turns of this half minute and of the one before: whoever reads
	// them resets nothing, so that several may.
	now, before atomic.Int64
	halfSince   time.Time

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
	if int64(d) > l.now.Load() {
		l.now.Store(int64(d))
	}
}

// halfWindow is half of the time that the longest turn is remembered for.
const halfWindow = 30 * time.Second

// sample closes an interval of the saturation.
func (l *loopLoad) sample(now time.Time) {
	busy := l.busy.Load()
	if span := now.Sub(l.sampledAt); !l.sampledAt.IsZero() && span > 0 {
		l.saturation.Store(int64(float64(busy-l.sampledBusy) / float64(span) * 1e6))
	}
	l.sampledAt, l.sampledBusy = now, busy
	if now.Sub(l.halfSince) >= halfWindow {
		l.halfSince = now
		l.before.Store(l.now.Swap(0))
	}
}

// Load says how busy the loop that owns the scheduler's state is.
type Load struct {
	// Saturation is the share of the last quarter second that the loop was busy, 0 to 1.
	Saturation float64
	// Busy is the time spent since the start, Longest the longest single turn.
	Busy, Longest time.Duration
	// LongestLately is the longest turn of the last half to whole minute.
	LongestLately time.Duration
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

		LongestLately: time.Duration(max(l.now.Load(), l.before.Load())),
		Turns:         l.turns.Load(),
		Events:        l.items.Load(),
	}
}
