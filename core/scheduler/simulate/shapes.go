package simulate

// shape makes up how n tasks hang together: for each the numbers of its inputs,
// which come before it.
func (w *World) shape(n int) func(i int) []int {
	width := 1 + w.rng.IntN(n)
	switch w.rng.IntN(7) {
	case 0: // a chain
		return func(i int) []int { return least(i - 1) }
	case 1: // all of one
		return func(i int) []int { return least(min(i, 1) - 1) }
	case 2: // a tree to one root
		return func(i int) []int {
			leaves := (n + 1) / 2
			if i < leaves {
				return nil
			}
			if a := 2 * (i - leaves); a+1 < i {
				return []int{a, a + 1}
			}
			return []int{i - 1}
		}
	case 3: // nothing hangs together
		return func(int) []int { return nil }
	case 4: // layers, each task with two neighbours of the layer before
		return func(i int) []int {
			if i < width {
				return nil
			}
			a := i - width
			if b := a + 1; b < i && b%width != 0 {
				return []int{a, b}
			}
			return []int{a}
		}
	case 5: // one of all
		return func(i int) []int {
			if i < n-1 {
				return nil
			}
			return w.upTo(i)
		}
	}
	return func(i int) []int { return w.some(i, w.rng.IntN(4)) }
}

// least is the number, if there is such a task.
func least(i int) []int {
	if i < 0 {
		return nil
	}
	return []int{i}
}

func (w *World) upTo(n int) []int {
	r := make([]int, n)
	for i := range r {
		r[i] = i
	}
	return r
}

// some are at most k different numbers below n.
func (w *World) some(n, k int) (r []int) {
	for range min(n, k) {
		x := w.rng.IntN(n)
		again := false
		for _, y := range r {
			again = again || x == y
		}
		if !again {
			r = append(r, x)
		}
	}
	return r
}
