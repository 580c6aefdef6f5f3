package state

// taskHeap is a binary heap of tasks by priority; a task knows its place, so
// that it can be taken out of the middle.
type taskHeap struct{ items []*Task }

func (h *taskHeap) len() int { return len(h.items) }

func (h *taskHeap) top() *Task {
	if len(h.items) == 0 {
		return nil
	}
	return h.items[0]
}

func (h *taskHeap) push(t *Task) {
	t.heap, t.index = h, len(h.items)
	h.items = append(h.items, t)
	h.up(t.index)
}

func (h *taskHeap) remove(t *Task) {
	i, last := t.index, len(h.items)-1
	t.heap = nil
	moved := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	if i == last {
		return
	}
	h.items[i], moved.index = moved, i
	if !h.up(i) {
		h.down(i)
	}
}

func (h *taskHeap) up(i int) (moved bool) {
	for i > 0 {
		p := (i - 1) / 2
		if !h.items[i].prio.less(&h.items[p].prio) {
			break
		}
		h.swap(i, p)
		i, moved = p, true
	}
	return moved
}

func (h *taskHeap) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.items) {
			return
		}
		if r := c + 1; r < len(h.items) && h.items[r].prio.less(&h.items[c].prio) {
			c = r
		}
		if !h.items[c].prio.less(&h.items[i].prio) {
			return
		}
		h.swap(i, c)
		i = c
	}
}

func (h *taskHeap) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	h.items[i].index, h.items[j].index = i, j
}
