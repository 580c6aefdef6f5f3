package scheduler

import (
	"testing"
	"time"
)

func TestIdleTime(t *testing.T) {
	start := time.Unix(1e9, 0)
	i := idler{limit: 10 * time.Second}
	for _, step := range []struct {
		at          time.Duration
		transitions uint64
		busy        int
		over        bool
	}{
		{0, 0, 0, false},
		{9 * time.Second, 0, 0, false},
		{9500 * time.Millisecond, 3, 0, false}, // something was done and forgotten between two looks
		{19 * time.Second, 3, 0, false},
		{20 * time.Second, 3, 2, false}, // a long task
		{40 * time.Second, 3, 2, false},
		{49 * time.Second, 3, 0, false},
		{50 * time.Second, 3, 0, true},
	} {
		if got := i.over(start.Add(step.at), step.transitions, step.busy); got != step.over {
			t.Errorf("after %v: over %v, want %v", step.at, got, step.over)
		}
	}
	never := idler{}
	if never.over(start, 0, 0) || never.over(start.Add(time.Hour), 0, 0) {
		t.Error("ended without a limit")
	}
}

func TestAnIdleSchedulerEnds(t *testing.T) {
	s := start(t, func(set *Settings) { set.IdleTimeout = 300 * time.Millisecond })
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("the scheduler that nobody uses has not ended")
	}
}
