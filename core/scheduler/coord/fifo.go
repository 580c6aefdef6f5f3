package coord

import "slices"

// fifo is a line: who came first is served first. Taking the first one out costs
// the same however many wait.
type fifo[T any] struct {
	items []T
	head  int // those before it have been served
}

// all are those in the line, in order; the slice is the line's own.
func (f *fifo[T]) all() []T { return f.items[f.head:] }

func (f *fifo[T]) len() int { return len(f.items) - f.head }

func (f *fifo[T]) push(x ...T) { f.items = append(f.items, x...) }

// pop takes the first one out; there must be one.
func (f *fifo[T]) pop() (first T) {
	var none T
	first, f.items[f.head] = f.items[f.head], none
	f.head++
	switch n := f.len(); {
	case n == 0:
		f.clear()
	case f.head > 64 && f.head > n: // the room of the served is as much again
		copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	return first
}

// first is the one to be served next; there must be one.
func (f *fifo[T]) first() *T { return &f.items[f.head] }

// isLast says whether the last one is so.
func (f *fifo[T]) isLast(is func(T) bool) bool { return f.len() > 0 && is(f.items[len(f.items)-1]) }

// putBack lets some in before all others.
func (f *fifo[T]) putBack(xs ...T) {
	if f.head < len(xs) {
		f.items, f.head = slices.Insert(f.all(), 0, xs...), 0
		return
	}
	f.head -= len(xs)
	copy(f.items[f.head:], xs)
}

// quit takes the first one out that is so; false when none is.
func (f *fifo[T]) quit(is func(T) bool) (x T, ok bool) {
	i := slices.IndexFunc(f.all(), is)
	if i < 0 {
		return x, false
	}
	x = f.all()[i]
	f.items = slices.Delete(f.items, f.head+i, f.head+i+1)
	if f.len() == 0 {
		f.clear()
	}
	return x, true
}

func (f *fifo[T]) clear() { *f = fifo[T]{} }
