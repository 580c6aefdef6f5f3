package state

// node is the far end of a link: it keeps a list of the tasks linked to it.
type node interface{ *worker | *client }

// link is one end at a task: to, and the task's position in the list there.
type link[T node] struct {
	to  T
	pos int32
}

// links are a task's holders or wishers: mostly one, so the first is in place.
type links[T node] struct {
	first link[T]
	rest  *[]link[T]
}

func (l *links[T]) len() int {
	if l.first.to == nil {
		return 0
	}
	if l.rest == nil {
		return 1
	}
	return 1 + len(*l.rest)
}

func (l *links[T]) at(i int) T { return l.ref(i).to }

func (l *links[T]) ref(i int) *link[T] {
	if i == 0 {
		return &l.first
	}
	return &(*l.rest)[i-1]
}

// find returns the link to x, or nil.
func (l *links[T]) find(x T) *link[T] {
	for i := range l.len() {
		if r := l.ref(i); r.to == x {
			return r
		}
	}
	return nil
}

func (l *links[T]) add(x T, pos int) {
	n := link[T]{x, int32(pos)}
	switch {
	case l.first.to == nil:
		l.first = n
	case l.rest == nil:
		l.rest = &[]link[T]{n}
	default:
		*l.rest = append(*l.rest, n)
	}
}

// drop removes a link that find or ref returned.
func (l *links[T]) drop(r *link[T]) {
	if l.rest == nil {
		l.first = link[T]{}
		return
	}
	end := len(*l.rest) - 1
	*r = (*l.rest)[end]
	(*l.rest)[end] = link[T]{}
	if end == 0 {
		l.rest = nil
		return
	}
	*l.rest = (*l.rest)[:end]
}

// edge is one end of a dependency: the other task, and the position of the
// opposite edge there.
type edge struct {
	to  *task
	pos int32
}

// join makes d an input of t.
func join(t, d *task) {
	t.deps = append(t.deps, edge{d, int32(len(d.dependents))})
	d.dependents = append(d.dependents, edge{t, int32(len(t.deps) - 1)})
}

// dropDep removes t.deps[i] and its opposite.
func (t *task) dropDep(i int) {
	e := t.deps[i]
	d, at := e.to, int(e.pos)
	if end := len(d.dependents) - 1; at != end {
		moved := d.dependents[end]
		d.dependents[at] = moved
		moved.to.deps[moved.pos].pos = int32(at)
	}
	d.dependents[len(d.dependents)-1] = edge{}
	d.dependents = d.dependents[:len(d.dependents)-1]
	if end := len(t.deps) - 1; i != end {
		moved := t.deps[end]
		t.deps[i] = moved
		moved.to.dependents[moved.pos].pos = int32(i)
	}
	t.deps[len(t.deps)-1] = edge{}
	t.deps = t.deps[:len(t.deps)-1]
	if len(d.dependents) == 0 {
		d.dependents = nil
	}
}
