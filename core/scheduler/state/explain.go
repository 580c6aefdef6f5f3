package state

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/nearest"
	"github.com/gdask/gdask/sdk/wire"
)

const (
	// explained bounds the sentences of one explanation, and explainedInputs
	// the inputs of one task that are looked into.
	explained       = 20
	explainedInputs = 3
)

// Explain says why a task is not running, or what became of it: a sentence for
// each cause, first of the task itself, then of the inputs that hold it up.
func (m *Machine) Explain(k wire.Key) []string {
	x := explainer{m: m, seen: map[*task]bool{}}
	t := m.tasks.Get(k)
	if t == nil {
		x.unknown(k)
		return x.lines
	}
	x.task(t)
	return x.lines
}

type explainer struct {
	m     *Machine
	seen  map[*task]bool
	lines []string
}

func (x *explainer) say(format string, a ...any) {
	x.lines = append(x.lines, fmt.Sprintf(format, a...))
}

// since is a time with how long ago it is.
func (x *explainer) since(t time.Time) string {
	return fmt.Sprintf("since %s (%v)", t.UTC().Format(time.RFC3339), x.m.now.Sub(t).Round(time.Millisecond))
}

// entered is when a task came to its state, as far as story reaches.
func (x *explainer) entered(t *task) string {
	story := x.m.Story(t.key)
	if n := len(story); n > 0 && story[n-1].To == t.state {
		return " " + x.since(story[n-1].Time)
	}
	return ""
}

func (x *explainer) unknown(k wire.Key) {
	story := x.m.Story(k)
	if n := len(story); n > 0 {
		last := story[n-1]
		x.say("%v is forgotten %s, by %s: nobody wanted it any more, or an input that cannot be made again is gone; submit it again",
			k, x.since(last.Time), last.Stimulus)
		return
	}
	x.say("%v is unknown: it was never submitted, or forgotten longer ago than the scheduler remembers%s", k, x.near(k))
}

// compared bounds the keys among which a misspelt one is looked for.
const compared = 20_000

// near names a known key that may have been meant.
func (x *explainer) near(k wire.Key) string {
	names := make([]string, 0, min(x.m.tasks.Len(), compared))
	for other := range x.m.tasks.All() {
		if names = append(names, other.key.String()); len(names) == compared {
			break
		}
	}
	slices.Sort(names)
	return nearest.Hint(k.String(), names)
}

func (x *explainer) task(t *task) {
	if x.seen[t] || len(x.lines) >= explained {
		return
	}
	x.seen[t] = true
	switch t.state {
	case Released:
		x.say("%v is released%s: no client wants it and no task that is to run needs it", t.key, x.entered(t))
	case Waiting:
		x.waiting(t)
	case NoWorker:
		x.parked(t)
	case Queued:
		x.queued(t)
	case Processing:
		x.processing(t)
	case Memory:
		x.say("%v is done%s: its result is in memory on %s", t.key, x.entered(t), strings.Join(t.addresses(), ", "))
	case Erred:
		x.erred(t)
	}
}

func (x *explainer) waiting(t *task) {
	var missing []*task
	var names []string
	for i := range t.deps {
		if d := t.deps[i].to; d.state != Memory {
			missing = append(missing, d)
			if len(names) < explainedInputs {
				names = append(names, d.key.String())
			}
		}
	}
	more := ""
	if n := len(missing) - len(names); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	x.say("%v waits%s for %d of its %d inputs: %s%s", t.key, x.entered(t), len(missing), len(t.deps), strings.Join(names, ", "), more)
	for _, d := range missing[:len(names)] {
		x.task(d)
	}
}

func (x *explainer) parked(t *task) {
	x.say("%v has no worker %s: it asks for %s, and %s", t.key, x.since(t.more.parkedAt), t.limits.describe(), x.m.whyNot(t.limits))
	x.standing(t)
	if _, later := x.m.anywhere(t.limits); x.m.c.FailFast && !later {
		x.say("%v fails if no worker for it joins", t.key)
	}
}

// standing names the workers that could run a task but start nothing.
func (x *explainer) standing(t *task) {
	for _, w := range x.m.list {
		if !w.running() && t.limits.allows(w) && len(x.lines) < explained {
			x.say("worker %s could run %v, but is %s", w.address, t.key, w.status)
		}
	}
}

func (x *explainer) queued(t *task) {
	ahead := 0
	t.limits.queue.each(func(u *task) {
		if u != t && before(u, t) < 0 {
			ahead++
		}
	})
	may, short := 0, 0
	for _, w := range x.m.list {
		if w.running() && t.limits.allows(w) {
			may++
			if w.load() < w.slots && !t.limits.spare(w) {
				short++
			}
		}
	}
	x.say("%v is ready, and queued%s behind %d tasks that ask for the same: the %d running workers that may run it take no more now",
		t.key, x.entered(t), ahead, may)
	if short > 0 {
		x.say("%d of these workers have a slot for %v, but other tasks take what it asks for: %s", short, t.key, t.limits.describe())
	}
	x.standing(t)
}

func (x *explainer) processing(t *task) {
	w := t.on
	if t.is(seceded) {
		x.say("%v runs on %s%s, seceded: it has no slot and may itself wait for other tasks", t.key, w.address, x.entered(t))
	} else {
		x.say("%v is processing on %s%s, with %d other tasks for %d threads", t.key, w.address, x.entered(t), w.load()-1, w.nthreads)
	}
	x.reported(t, w)
	if s := x.m.steals[t]; s != nil {
		x.say("worker %s was asked to give %v up to %s, and has not answered", w.address, t.key, s.thief.address)
	}
	if !w.running() {
		x.say("worker %s is %s: unless %v has begun there, it does not begin now", w.address, w.status, t.key)
	}
	if silent := x.m.now.Sub(w.lastSeen); silent > longSilence {
		x.say("worker %s is silent %s", w.address, x.since(w.lastSeen))
	}
	if t.suspicious > 0 {
		x.say("%v was running on %d workers that died; more than %d make it fail", t.key, t.suspicious, x.m.c.AllowedFailures)
	}
}

// reported is what the worker's last heartbeat said of the task.
func (x *explainer) reported(t *task, w *worker) {
	for _, r := range w.reported {
		if r.Key == t.key {
			x.say("worker %s said %v ago that it had been executing %v for %v", w.address,
				x.m.now.Sub(w.beat).Round(time.Millisecond), t.key, seconds(min(r.Seconds, maxSeconds)).Round(time.Millisecond))
			return
		}
	}
	if ago := x.m.now.Sub(w.beat); len(w.reported) > 0 && ago < longSilence {
		x.say("worker %s said %v ago that it executed %d other tasks, not %v", w.address,
			ago.Round(time.Millisecond), len(w.reported), t.key)
	}
}

// longSilence is how long a worker says nothing before that is worth a word.
const longSilence = 5 * time.Second

func (x *explainer) erred(t *task) {
	c := t.cause()
	why, _, _ := strings.Cut(c.exceptionText, "\n")
	if c.key != t.key {
		x.say("%v is erred%s because its input %v is: %s", t.key, x.entered(t), c.key, why)
		return
	}
	x.say("%v is erred%s: %s", t.key, x.entered(t), why)
}
