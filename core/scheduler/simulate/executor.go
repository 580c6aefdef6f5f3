package simulate

import (
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// executor is what runs a worker's tasks: slots that take jobs from a queue.
type executor struct {
	n       *worker
	queue   []*job
	running []*job
	limit   int // slots; one more for every job that seceded
}

// job is one run of a task.
type job struct {
	x         *executor
	d         *def
	inputs    []uint64
	lost      []workertest.Lost // inputs that could not be read
	since     time.Duration
	ended     bool
	cancelled bool
	seceded   bool
	granted   func() // what to do once there is a slot again
	client    *client
}

// submit takes a task that the machine hands over, with its inputs.
func (x *executor) submit(t *workertest.Task) {
	w := x.n.w
	d := w.oracle.defs[t.Key]
	if d == nil || x.find(t.Key) != nil {
		w.fail(t.Key, "%s runs %v, which is unknown or runs there already", x.n.name, t.Key)
		return
	}
	j := &job{x: x, d: d}
	for _, in := range t.Deps {
		if in.State != workertest.Memory {
			w.fail(t.Key, "%s runs %v without its input %v, which is %v there", x.n.name, t.Key, in.Key, in.State)
			return
		}
	}
	j.take(t.Deps)
	x.queue = append(x.queue, j)
}

// next begins jobs as far as there are slots.
func (x *executor) next() {
	for len(x.queue) > 0 && len(x.running) < x.limit && !x.n.dead {
		j := x.queue[0]
		x.queue = x.queue[1:]
		x.running = append(x.running, j)
		j.begin()
	}
}

func (x *executor) find(k wire.Key) *job {
	for _, j := range x.running {
		if j.d.key == k {
			return j
		}
	}
	for _, j := range x.queue {
		if j.d.key == k {
			return j
		}
	}
	return nil
}

// revoke gives jobs back to the machine that no slot has begun.
func (x *executor) revoke(keys ...wire.Key) {
	for _, k := range keys {
		if i := slices.IndexFunc(x.queue, func(j *job) bool { return j.d.key == k && !j.cancelled }); i >= 0 {
			x.queue = slices.Delete(x.queue, i, i+1)
			x.n.apply(&workertest.Unstarted{Key: k})
		}
	}
}

// cancel ends the context of a job: most functions heed that, after a moment.
func (x *executor) cancel(k wire.Key) {
	j := x.find(k)
	if j == nil || j.cancelled {
		return
	}
	j.cancelled = true
	if slices.Contains(x.running, j) && !x.n.python && x.n.w.chance(70) {
		x.n.w.after(x.n.w.between(0, 2*time.Millisecond), func() { x.n.post(j.giveUp) })
	}
}

// rejoined grants a job the slot that it waited for.
func (x *executor) rejoined(k wire.Key) {
	if j := x.find(k); j != nil && j.granted != nil {
		f := j.granted
		j.granted = nil
		j.seceded = false
		x.limit--
		f()
	}
}

// finish brings a job's outcome to the machine.
func (j *job) finish(done *workertest.Done) {
	x := j.x
	if j.ended || x.n.dead {
		return
	}
	j.ended = true
	j.leaveClient(false)
	if j.seceded {
		x.limit--
	}
	x.running = slices.DeleteFunc(x.running, func(r *job) bool { return r == j })
	done.Key = j.d.key
	done.Start, done.Stop = j.since.Seconds(), x.n.w.now.Seconds()
	x.n.apply(done)
}

func (j *job) giveUp() { j.finish(&workertest.Done{Failure: &workertest.Failure{Text: "cancelled"}}) }
