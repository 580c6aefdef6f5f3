package state

// heap gives the first of its items by an order, again and again.
type heap[T any] struct {
	items  []T
	before func(a, b T) bool
}

// fill takes items over and orders them.
func (h *heap[T]) fill(items []T) {
	h.items = items
	for i := len(items)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *heap[T]) len() int { return len(h.items) }

func (h *heap[T]) push(x T) {
	h.items = append(h.items, x)
	i := len(h.items) - 1
	for p := (i - 1) / 2; i > 0 && h.before(h.items[i], h.items[p]); p = (i - 1) / 2 {
		h.items[i], h.items[p] = h.items[p], h.items[i]
		i = p
	}
}

// pop takes the first item out; there must be one.
func (h *heap[T]) pop() (first T) {
	var none T
	end := len(h.items) - 1
	first, h.items[0], h.items[end] = h.items[0], h.items[end], none
	h.items = h.items[:end]
	if end > 0 {
		h.down(0)
	}
	return first
}

func (h *heap[T]) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(h.items) {
			return
		}
		if c+1 < len(h.items) && h.before(h.items[c+1], h.items[c]) {
			c++
		}
		if !h.before(h.items[c], h.items[i]) {
			return
		}
		h.items[i], h.items[c] = h.items[c], h.items[i]
		i = c
	}
}
