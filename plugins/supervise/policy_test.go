package supervise

import (
	"testing"
	"time"
)

// step is one end given to a history and what has to come of it.
type step struct {
	after   time.Duration // since the step before
	end     end
	restart bool
	delay   time.Duration
}

func TestDecide(t *testing.T) {
	const ms = time.Millisecond
	crash := end{uptime: time.Second}
	early := end{early: true}
	healthy := end{uptime: time.Minute}
	clean := end{uptime: time.Second, clean: true}
	tests := []struct {
		name   string
		policy Policy
		steps  []step
	}{
		{"delays double up to the longest", Policy{Max: 100, Most: 1500 * ms}, []step{
			{0, crash, true, 200 * ms}, {0, crash, true, 400 * ms}, {0, crash, true, 800 * ms},
			{0, crash, true, 1500 * ms}, {0, crash, true, 1500 * ms},
		}},
		{"the first delay may be the longest", Policy{First: 2 * time.Second, Most: time.Second}, []step{
			{0, crash, true, time.Second}, {0, crash, true, time.Second},
		}},
		{"the sixth end within the window is the last", Policy{}, []step{
			{0, crash, true, 200 * ms}, {0, crash, true, 400 * ms}, {0, crash, true, 800 * ms},
			{0, crash, true, 1600 * ms}, {0, crash, true, 3200 * ms}, {0, crash, false, 0},
		}},
		{"ends before the window do not count", Policy{Max: 2}, []step{
			{0, crash, true, 200 * ms}, {0, crash, true, 400 * ms},
			{time.Minute + ms, crash, true, 800 * ms}, {time.Minute, crash, true, 1600 * ms}, {0, crash, false, 0},
		}},
		{"an end on the window's edge counts", Policy{Max: 1}, []step{
			{0, crash, true, 200 * ms}, {time.Minute, crash, false, 0},
		}},
		{"failed starts count double", Policy{Max: 4}, []step{
			{0, early, true, 200 * ms}, {0, early, true, 400 * ms}, {0, early, false, 0},
		}},
		{"starts that take their time to fail", Policy{}, []step{
			{0, crash, true, 200 * ms}, {2 * time.Minute, early, true, 400 * ms}, {2 * time.Minute, early, true, 800 * ms},
			{2 * time.Minute, crash, true, 1600 * ms}, {2 * time.Minute, early, true, 3200 * ms}, {2 * time.Minute, early, true, 6400 * ms},
			{2 * time.Minute, early, false, 0},
		}},
		{"a failed start and an end", Policy{Max: 2}, []step{
			{0, crash, true, 200 * ms}, {0, early, false, 0},
		}},
		{"a healthy run resets the delay, not the count", Policy{Max: 3}, []step{
			{0, crash, true, 200 * ms}, {0, crash, true, 400 * ms}, {0, healthy, true, 200 * ms}, {0, crash, false, 0},
		}},
		{"a clean end is final on failure", Policy{}, []step{{0, clean, false, 0}}},
		{"a clean end is an end always", Policy{Mode: Always}, []step{{0, clean, true, 200 * ms}, {0, clean, true, 400 * ms}}},
		{"never", Policy{Mode: Never}, []step{{0, crash, false, 0}, {0, clean, false, 0}, {0, early, false, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h history
			now := time.Unix(1e9, 0)
			for i, s := range tt.steps {
				now = now.Add(s.after)
				s.end.now = now
				restart, delay := h.decide(tt.policy.defaults(), s.end)
				if restart != s.restart || delay != s.delay {
					t.Errorf("end %d: restart %v after %v, want %v after %v", i, restart, delay, s.restart, s.delay)
				}
			}
		})
	}
}

func TestPolicyDefaults(t *testing.T) {
	want := Policy{OnFailure, 5, time.Minute, 200 * time.Millisecond, 30 * time.Second, time.Minute}
	if got := (Policy{}).defaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	own := Policy{Always, 1, 2, 3, 4, 5}
	if got := own.defaults(); got != own {
		t.Errorf("changed to %+v", got)
	}
}

func TestJitter(t *testing.T) {
	for r, want := range map[float64]time.Duration{0: 800 * time.Millisecond, 0.5: time.Second, 1: 1200 * time.Millisecond} {
		if got := jitter(time.Second, r).Round(time.Microsecond); got != want {
			t.Errorf("jitter(1s, %v) is %v, want %v", r, got, want)
		}
	}
}
