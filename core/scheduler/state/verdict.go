package state

import (
	"slices"
	"strings"
	"time"
)

// verdictPatience is how long clients wait to be told of a task that is blamed
// for deaths, for the supervisor's report of the last one: the end of the
// worker's connection is noticed before the end of its process.
const verdictPatience = time.Second

// verdict is a task's failure that its clients were not told yet.
type verdict struct {
	t     *task
	c     *cause
	since time.Time
}

// supervised says that somebody will report how the worker ended: gdask's own
// supervisors do, Dask's nannies do not.
func (w *worker) supervised() bool { return w.reg.Nanny != "" && !w.serves(pythonRuntime) }

// complete says that all is known of a failure that will ever be.
func (c *cause) complete() bool {
	n := len(c.deaths)
	return n == 0 || c.deaths[n-1].known || !c.deaths[n-1].awaited
}

// text is the failure in words, with the deaths as far as they are known by now.
func (c *cause) text() string {
	var b strings.Builder
	b.WriteString(c.exceptionText)
	for _, d := range c.deaths {
		b.WriteString("\n" + d.who() + ": " + d.describe())
	}
	return b.String()
}

// tellErred tells clients why a task has failed, once that is known.
func (m *Machine) tellErred(t *task) {
	if t.wants.len() == 0 {
		return
	}
	if c := t.cause(); !c.complete() {
		m.verdicts = append(m.verdicts, verdict{t, c, m.now})
		return
	}
	for i := range t.wants.len() {
		m.toClient(t.wants.at(i), t.erredMessage())
	}
}

// announce tells of the failures that are complete by now, or are late.
func (m *Machine) announce() {
	m.verdicts = slices.DeleteFunc(m.verdicts, func(v verdict) bool {
		if v.t.state != Erred || v.t.cause() != v.c {
			return true // it is tried again, or nobody asks any more
		}
		if !v.c.complete() && m.now.Sub(v.since) < verdictPatience {
			return false
		}
		for i := range v.t.wants.len() {
			m.toClient(v.t.wants.at(i), v.t.erredMessage())
		}
		return true
	})
}
