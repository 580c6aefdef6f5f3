package simulate

import "time"

// link is a connection between a node and the scheduler: two streams in which
// nothing is overtaken.
type link struct {
	w        *World
	down, up lane // from and to the scheduler
	cut      bool
}

// lane is one direction.
type lane struct {
	last  time.Duration // when its latest message arrives
	until time.Duration // what arrives later is lost, once the link is cut
}

// cutDrain is how long a link that was cut still delivers at most.
const cutDrain = 20 * time.Millisecond

// send has a message arrive, unless the link is cut before.
func (l *link) send(n *lane, arrive func()) {
	if l.cut {
		return
	}
	at := max(n.last, l.w.now+l.w.delay())
	n.last = at
	l.w.after(at-l.w.now, func() {
		if !l.cut || at <= n.until {
			arrive()
		}
	})
}

// breakOff cuts the link. Of what is under way a part still arrives, then both
// ends notice; with slow it takes them seconds, as when no packet passes.
func (l *link) breakOff(slow bool, ends ...func()) {
	if l.cut {
		return
	}
	l.cut = true
	for _, n := range []*lane{&l.down, &l.up} {
		n.until = l.w.now + l.w.between(0, cutDrain)
	}
	for _, end := range ends {
		d := cutDrain + l.w.delay()
		if slow {
			d += l.w.between(0, 12*time.Second)
		}
		l.w.after(d, end)
	}
}

// delay is how long a message takes: mostly little, sometimes long.
func (w *World) delay() time.Duration {
	switch n := w.rng.IntN(100); {
	case n < 70:
		return w.between(50*time.Microsecond, time.Millisecond)
	case n < 96:
		return w.between(time.Millisecond, 10*time.Millisecond)
	}
	return w.between(10*time.Millisecond, 300*time.Millisecond)
}

func (w *World) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}

// chance is true in n of a hundred cases.
func (w *World) chance(n int) bool { return w.rng.IntN(100) < n }
