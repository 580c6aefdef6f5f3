package state

import (
	"bytes"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// prefix is what is known of all tasks of a name.
type prefix struct {
	name       string
	counts     Counts
	duration   float64 // mean seconds of recent runs
	samples    int     // runs since the last one that was not tiny; 0 unknown
	longest    float64
	total      float64
	transfer   float64 // seconds of fetching inputs
	preset     float64 // seconds that the configuration says of a run; 0 nothing
	live       float64 // seconds of the longest run under way while the mean is unknown
	entered    Counts  // how often tasks entered each state
	meanBytes  float64
	finished   int64
	suspicious int64
	typ        *kind // of the last result
}

// group is a collection: the tasks of one name and token.
type group struct {
	name        string
	prefix      *prefix
	tasks       int
	counts      Counts
	nbytes      int64
	duration    float64
	start, stop float64
}

// groupOf finds or makes the group of a key.
func (m *Machine) groupOf(k wire.Key) *group {
	name := groupName(k)
	if g := m.last; g != nil && g.name == name {
		return g
	}
	g := m.groups[name]
	if g == nil {
		name = string(append([]byte(nil), name...)) // outlives the key
		g = &group{name: name, prefix: m.prefixOf(name)}
		m.groups[name] = g
	}
	m.last = g
	return g
}

func (m *Machine) prefixOf(group string) *prefix {
	name := splitName(group)
	p := m.prefixes[name]
	if p == nil {
		p = &prefix{name: name, preset: m.c.DefaultTaskDurations[name].Seconds()}
		m.prefixes[name] = p
	}
	return p
}

func (m *Machine) leaveGroup(t *task) {
	g := t.group
	if g.tasks--; g.tasks == 0 {
		delete(m.groups, g.name)
		if m.last == g {
			m.last = nil
		}
	}
}

// maxSeconds bounds measured durations: infinities and worse would never leave
// the sums that they enter.
const maxSeconds = 1e9

// learn updates durations and sizes from a result. The mean follows half of
// each new duration.
func (m *Machine) learn(t *task, r *wire.TaskFinished) {
	p, g := t.prefix, t.group
	for i := range r.StartStops {
		s := &r.StartStops[i]
		if g.start == 0 || s.Start < g.start {
			g.start = s.Start
		}
		g.stop = max(g.stop, s.Stop)
		d := s.Stop - s.Start
		if s.Action == "transfer" && d >= 0 && d < maxSeconds {
			p.transfer += d
		}
		if s.Action != "compute" || !(d >= 0 && d < maxSeconds) {
			continue
		}
		g.duration += d
		p.sample(d, m.tiny())
	}
	p.finished++
	p.meanBytes += (float64(max(r.Nbytes, 0)) - p.meanBytes) / float64(min(p.finished, 16))
	t.typ = p.kindOf(r)
}

func (p *prefix) sample(d, tiny float64) {
	p.total += d
	p.longest = max(p.longest, d)
	p.live = 0
	if p.samples == 0 {
		p.duration = d
	} else {
		p.duration = (p.duration + d) / 2
	}
	if p.samples++; d > tiny {
		p.samples = 1 // trust in tiny tasks starts again
	}
}

// runsFor notes how long a task has been running, while nothing else is known.
// A mean that there is stays: that one task takes longer says little of others.
func (p *prefix) runsFor(d float64) {
	if p.samples == 0 && d < maxSeconds {
		p.live = max(p.live, d)
	}
}

// guess is how many seconds a run takes that nothing was measured of.
func (p *prefix) guess(unknown time.Duration) float64 {
	switch {
	case p.preset > 0:
		return p.preset
	case p.live > 0:
		return 2 * p.live
	}
	return unknown.Seconds()
}

func (p *prefix) kindOf(r *wire.TaskFinished) *kind {
	if k := p.typ; k != nil && k.name == r.Typename && bytes.Equal(k.class.Raw, r.Type.Raw) &&
		len(k.class.Frames) == 0 && len(r.Type.Frames) == 0 {
		return k
	}
	k := &kind{class: r.Type, name: r.Typename}
	k.class.Raw = bytes.Clone(r.Type.Raw) // the message's buffer is not kept alive
	p.typ = k
	return k
}
