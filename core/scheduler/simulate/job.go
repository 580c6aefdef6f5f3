package simulate

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/worker/workertest"
)

// begin runs the job's program.
func (j *job) begin() {
	w, p := j.x.n.w, j.d.program
	j.since = w.now
	w.stats.Runs++
	if j.cancelled {
		j.in(0, j.giveUp)
		return
	}
	if len(j.lost) > 0 {
		j.in(0, func() { j.finish(&workertest.Done{Lost: j.lost}) })
		return
	}
	j.d.attempts++
	again := j.d.attempts <= p.times
	takes := p.takes
	switch {
	case p.kind == fails, p.kind == flaky && again, p.kind == spoils && !again:
		j.in(takes, func() {
			j.finish(&workertest.Done{Failure: &workertest.Failure{Text: "failure of " + j.d.name}})
		})
	case p.kind == reschedules && again:
		j.in(takes, func() { j.finish(&workertest.Done{Reschedule: true}) })
	case p.kind == kills && again:
		j.in(takes, j.killWorker)
	case p.kind == secedes:
		j.in(takes/2, func() { j.secede(); j.in(takes/2, j.succeed) })
	case p.kind == rejoins:
		j.in(takes/3, func() { j.secede(); j.in(takes/3, j.rejoin) })
	case p.kind == submits:
		j.in(takes/2, func() { j.secede(); j.submitChildren() })
	default:
		j.in(takes, j.succeed)
	}
}

// in goes on after some time, unless the job or its worker has ended by then.
func (j *job) in(d time.Duration, do func()) {
	n := j.x.n
	n.w.after(d, func() {
		n.post(func() {
			if !j.ended {
				do()
			}
		})
	})
}

func (j *job) succeed() {
	w := j.x.n.w
	v := compute(j.d.key, j.inputs)
	if v != j.d.value {
		w.fail(j.d.key, "%s computes a wrong value of %v from %d inputs", j.x.n.name, j.d.key, len(j.inputs))
	}
	j.finish(&workertest.Done{Data: v, Nbytes: j.d.nbytes, Type: "uint64"})
}

func (j *job) killWorker() {
	n := j.x.n
	n.kill(n.w.chance(10))
	n.w.start(n.w.between(0, time.Second))
}

func (j *job) secede() {
	if j.seceded {
		return
	}
	j.seceded = true
	j.x.limit++
	j.x.n.apply(&workertest.Secede{Key: j.d.key, Seconds: (j.x.n.w.now - j.since).Seconds()})
}

// rejoin waits for a slot and ends in it. A cancelled job waits no longer.
func (j *job) rejoin() {
	j.granted = func() { j.in(j.d.program.takes/3, j.succeed) }
	j.x.n.apply(&workertest.Rejoin{Key: j.d.key})
	j.x.n.w.after(10*time.Second, func() {
		j.x.n.post(func() {
			if !j.ended && j.granted != nil { // it has waited long enough
				j.granted = nil
				j.x.n.apply(&workertest.Secede{Key: j.d.key})
				j.in(0, j.succeed)
			}
		})
	})
}

// submitChildren has the task be a client of its own cluster.
func (j *job) submitChildren() {
	n := j.x.n
	if j.d.children == nil {
		j.d.children = n.w.offspring(j.d)
	}
	c := n.w.connect(n)
	j.client = c
	c.settled = func() {
		c.settled = nil
		j.in(0, func() { j.leaveClient(false); j.succeed() })
	}
	c.submit(j.d.children, j.d.children, j.d.key)
}

// offspring are tasks that a task submits. They submit none themselves, and need
// no resources: their parent keeps its own while it waits for them.
func (w *World) offspring(parent *def) []*def {
	r := make([]*def, 1+w.rng.IntN(4))
	for i := range r {
		d := &def{name: fmt.Sprintf("child-%s-%d", parent.name, i)}
		if i > 0 && w.chance(50) {
			d.deps = append(d.deps, r[i-1])
		}
		r[i] = w.define(d, int64(i))
		r[i].task.Resources = nil
		if r[i].program.kind == submits {
			r[i].program.kind = works
		}
	}
	return r
}

// leaveClient ends the client that the task was; lost: with its worker, without
// a word.
func (j *job) leaveClient(lost bool) {
	if c := j.client; c != nil {
		j.client = nil
		c.leave(lost)
	}
}
