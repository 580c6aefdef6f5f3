package state

// queue is a priority queue of tasks. Graphs arrive in order, so most tasks go
// to the end of a plain list; the others go to a heap. An entry whose stamp is
// not its task's is dead: tasks leave by losing their stamp.
type queue struct {
	line []entry
	head int // first of line that was not popped
	heap []entry
	live int
}

type entry struct {
	t     *task
	stamp uint32
}

func (e entry) dead() bool { return e.t.stamp != e.stamp }

func (q *queue) push(t *task, stamp uint32) {
	t.stamp = stamp
	q.live++
	e := entry{t, stamp}
	if q.head == len(q.line) || before(q.line[len(q.line)-1].t, t) <= 0 {
		q.line = append(q.line, e)
		return
	}
	q.heap = append(q.heap, e)
	q.up(len(q.heap) - 1)
}

// peek is the task of the best priority, or nil.
func (q *queue) peek() *task {
	for q.head < len(q.line) && q.line[q.head].dead() {
		q.advance()
	}
	for len(q.heap) > 0 && q.heap[0].dead() {
		q.popHeap()
	}
	switch {
	case q.head == len(q.line):
		if len(q.heap) == 0 {
			return nil
		}
		return q.heap[0].t
	case len(q.heap) > 0 && before(q.heap[0].t, q.line[q.head].t) < 0:
		return q.heap[0].t
	}
	return q.line[q.head].t
}

// each calls f for every task; f must not change the queue.
func (q *queue) each(f func(*task)) {
	for _, es := range [][]entry{q.line[q.head:], q.heap} {
		for _, e := range es {
			if !e.dead() {
				f(e.t)
			}
		}
	}
}

// some calls f for tasks until it says that it has seen enough.
func (q *queue) some(f func(*task) bool) {
	for _, es := range [][]entry{q.line[q.head:], q.heap} {
		for _, e := range es {
			if !e.dead() && !f(e.t) {
				return
			}
		}
	}
}

// remove takes a task out; its entry dies in place. Too many dead ones are swept.
func (q *queue) remove(t *task) {
	t.stamp = 0
	q.live--
	if q.live == 0 {
		q.reset()
		return
	}
	if dead := len(q.line) - q.head + len(q.heap) - q.live; dead > q.live+64 {
		q.sweep()
	}
}

func (q *queue) reset() {
	if cap(q.line)+cap(q.heap) > 4096 {
		*q = queue{}
		return
	}
	clear(q.line)
	clear(q.heap)
	q.line, q.heap, q.head = q.line[:0], q.heap[:0], 0
}

func (q *queue) sweep() {
	old := *q
	*q = queue{live: old.live, line: make([]entry, 0, old.live)}
	for _, e := range old.line[old.head:] {
		if !e.dead() {
			q.line = append(q.line, e)
		}
	}
	for _, e := range old.heap {
		if !e.dead() {
			q.heap = append(q.heap, e)
			q.up(len(q.heap) - 1)
		}
	}
}

func (q *queue) advance() {
	q.line[q.head] = entry{}
	q.head++
	if q.head == len(q.line) {
		q.line, q.head = q.line[:0], 0
	} else if q.head > 1024 && q.head > len(q.line)/2 {
		n := copy(q.line, q.line[q.head:])
		clear(q.line[n:])
		q.line, q.head = q.line[:n], 0
	}
}

func (q *queue) popHeap() {
	end := len(q.heap) - 1
	q.heap[0] = q.heap[end]
	q.heap[end] = entry{}
	q.heap = q.heap[:end]
	for i := 0; ; {
		c := 2*i + 1
		if c >= end {
			return
		}
		if c+1 < end && before(q.heap[c+1].t, q.heap[c].t) < 0 {
			c++
		}
		if before(q.heap[i].t, q.heap[c].t) <= 0 {
			return
		}
		q.heap[i], q.heap[c] = q.heap[c], q.heap[i]
		i = c
	}
}

func (q *queue) up(i int) {
	for i > 0 {
		p := (i - 1) / 2
		if before(q.heap[p].t, q.heap[i].t) <= 0 {
			return
		}
		q.heap[p], q.heap[i] = q.heap[i], q.heap[p]
		i = p
	}
}
