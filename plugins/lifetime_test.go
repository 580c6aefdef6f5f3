package plugins

import (
	"testing"
	"time"
)

func TestLifetimesAreStaggered(t *testing.T) {
	l := Lifetime{Duration: time.Hour, Stagger: 10 * time.Minute}
	for r, want := range map[float64]time.Duration{0: 50 * time.Minute, 0.5: time.Hour, 0.75: 65 * time.Minute} {
		if got := l.next(r); got != want {
			t.Errorf("next(%v) is %v, want %v", r, got, want)
		}
	}
	if got := (Lifetime{Duration: time.Minute, Stagger: time.Hour}).next(0); got != 0 {
		t.Errorf("a stagger longer than the duration gives %v", got)
	}
}
