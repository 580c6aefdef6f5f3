package simulate

import "time"

// agenda is what will happen, by time; what is due at the same time happens in
// the order in which it was entered.
type agenda struct {
	items []due
	count uint64
	// pressing is how many items are there that are no mere routine, such as
	// heartbeats: while there are some, the world is not at rest.
	pressing int
}

type due struct {
	at      time.Duration
	order   uint64
	routine bool
	do      func()
}

func (a due) before(b due) bool { return a.at < b.at || a.at == b.at && a.order < b.order }

func (g *agenda) add(at time.Duration, routine bool, do func()) {
	g.count++
	if !routine {
		g.pressing++
	}
	g.items = append(g.items, due{at, g.count, routine, do})
	for i := len(g.items) - 1; i > 0; {
		p := (i - 1) / 2
		if g.items[p].before(g.items[i]) {
			break
		}
		g.items[i], g.items[p] = g.items[p], g.items[i]
		i = p
	}
}

// next takes the first item out; false when there is none.
func (g *agenda) next() (due, bool) {
	if len(g.items) == 0 {
		return due{}, false
	}
	first, end := g.items[0], len(g.items)-1
	g.items[0] = g.items[end]
	g.items[end] = due{}
	g.items = g.items[:end]
	for i := 0; ; {
		c := 2*i + 1
		if c >= end {
			break
		}
		if c+1 < end && g.items[c+1].before(g.items[c]) {
			c++
		}
		if g.items[i].before(g.items[c]) {
			break
		}
		g.items[i], g.items[c] = g.items[c], g.items[i]
		i = c
	}
	if !first.routine {
		g.pressing--
	}
	return first, true
}

// after has something happen that must happen before the world is at rest.
func (w *World) after(d time.Duration, do func()) { w.agenda.add(w.now+d, false, do) }

// routinely has something happen that never ends, or that nobody waits for.
func (w *World) routinely(d time.Duration, do func()) { w.agenda.add(w.now+d, true, do) }
