package supervise

import "time"

// Modes of a restart policy.
const (
	Never     = "never"      // an ended plugin stays ended
	OnFailure = "on-failure" // restart unless it ended cleanly by itself
	Always    = "always"     // restart whatever the reason
)

// Policy says when an ended plugin is started again. The zero value is the
// default policy.
type Policy struct {
	Mode    string        // Never, OnFailure or Always; "" means OnFailure
	Max     int           // restarts allowed within Window; 0 means 5
	Window  time.Duration // 0 means 60 s
	First   time.Duration // delay before the first restart; 0 means 200 ms; it doubles
	Most    time.Duration // longest delay; 0 means 30 s
	Healthy time.Duration // running so long resets the delay; 0 means 60 s
}

// defaults fills in what was left open.
func (p Policy) defaults() Policy {
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	if p.Mode == "" {
		p.Mode = OnFailure
	}
	if p.Max <= 0 {
		p.Max = 5
	}
	set(&p.Window, time.Minute)
	set(&p.First, 200*time.Millisecond)
	set(&p.Most, 30*time.Second)
	set(&p.Healthy, time.Minute)
	return p
}

// history is what a policy decides from. It is a pure value: time comes from
// outside.
type history struct {
	ends  []time.Time // counted ends within the window
	fails int         // ends since the last healthy run
	early int         // failed starts in a row, however long each took
}

// end is one end of an instance.
type end struct {
	now    time.Time
	uptime time.Duration // 0 when it never became ready
	clean  bool          // it ended by itself without an error
	early  bool          // it failed before it was ready: counts double
}

// decide returns whether to start again and after which delay, before jitter.
// The history changes.
func (h *history) decide(p Policy, e end) (restart bool, delay time.Duration) {
	if p.Mode == Never || p.Mode == OnFailure && e.clean {
		return false, 0
	}
	if e.uptime >= p.Healthy {
		h.fails = 0
	}
	h.fails++
	h.ends = append(h.ends, e.now)
	if h.early++; !e.early {
		h.early = 0
	} else {
		h.ends = append(h.ends, e.now)
	}
	for len(h.ends) > 0 && e.now.Sub(h.ends[0]) > p.Window {
		h.ends = h.ends[1:]
	}
	if len(h.ends) > p.Max || 2*h.early > p.Max {
		return false, 0
	}
	delay = p.First
	for i := 1; i < h.fails && delay < p.Most; i++ {
		delay *= 2
	}
	return true, min(delay, p.Most)
}

// jitter spreads a delay over plus and minus a fifth; r is in [0, 1).
func jitter(d time.Duration, r float64) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*r))
}
