package units

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// durations are the units of time by all their spellings but the plural.
var durations = map[string]time.Duration{
	"":  time.Second,
	"s": time.Second, "sec": time.Second, "second": time.Second,
	"ms": time.Millisecond, "millisecond": time.Millisecond,
	"us": time.Microsecond, "µs": time.Microsecond, "microsecond": time.Microsecond,
	"ns": time.Nanosecond, "nanosecond": time.Nanosecond,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// ParseDuration reads a duration: a number with an optional unit ns, us, ms, s,
// m, h, d or w or its long name, singular or plural, blanks and case ignored; no
// unit is seconds, a unit alone is one of it. Go's own form of several units,
// such as "1h30m", is read too. Negative durations and empty texts are errors.
func ParseDuration(text string) (time.Duration, error) {
	n, name, err := split(text)
	if err != nil {
		if d, goErr := time.ParseDuration(strings.TrimSpace(text)); goErr == nil && d >= 0 {
			return d, nil
		}
		return 0, fmt.Errorf("%q is no duration; write a number with a unit such as 30s or 500ms", text)
	}
	unit, ok := durationUnit(strings.ToLower(name))
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q; use ns, us, ms, s, m, h, d or w", text, name)
	}
	if n *= float64(unit); !(n >= 0 && n < math.MaxInt64) {
		return 0, fmt.Errorf("%q is out of range; give 0 to 292 years", text)
	}
	return time.Duration(math.Round(n)), nil
}

func durationUnit(name string) (time.Duration, bool) {
	if d, ok := durations[name]; ok {
		return d, true
	}
	if len(name) < 4 || !strings.HasSuffix(name, "s") {
		return 0, false
	}
	d, ok := durations[strings.TrimSuffix(name, "s")]
	return d, ok
}
