package inproc

import (
	"sync"
	"time"
)

// deadline ends waiting on cond; its methods are called with cond's lock held.
type deadline struct {
	cond     *sync.Cond
	timer    *time.Timer
	settings int // counts settings, so that a timer that fired late is ignored
	passed   bool
}

// set replaces the deadline; the zero time is none.
func (d *deadline) set(at time.Time) {
	d.stop()
	d.passed = false
	if at.IsZero() {
		return
	}
	left := time.Until(at)
	if left <= 0 {
		d.passed = true
		d.cond.Broadcast()
		return
	}
	setting := d.settings
	d.timer = time.AfterFunc(left, func() {
		d.cond.L.Lock()
		defer d.cond.L.Unlock()
		if setting == d.settings {
			d.passed = true
			d.cond.Broadcast()
		}
	})
}

// stop ends the timer.
func (d *deadline) stop() {
	d.settings++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
