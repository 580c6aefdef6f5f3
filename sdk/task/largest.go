package task

// Largest finds the argument of a decoded call that takes most bytes: its index
// from 0, or -1 without any, what kind of value it is, as in " (a []float64)", when
// that is known, and its bytes.
func (c *Call) Largest() (index int, kind string, bytes int64) {
	index = -1
	for i := range c.Args {
		n, k := c.Args[i].weight()
		if index < 0 || n > bytes {
			index, kind, bytes = i, k, n
		}
	}
	if kind != "" {
		kind = " (a " + kind + ")"
	}
	return index, kind, bytes
}

// weight is the encoded size of an argument, and its kind when it is a frame.
func (a *Arg) weight() (n int64, kind string) {
	if a.Nest != nil {
		for i := range a.Nest.Items {
			m, _ := a.Nest.Items[i].weight()
			n += m
		}
		if lit, ok := a.Nest.Base.(literal); ok {
			m, _ := lit.weight()
			n += m
		}
		return n, "container"
	}
	if lit, ok := a.Value.(literal); ok {
		return lit.weight()
	}
	return int64(len(a.Key)), ""
}

func (l literal) weight() (n int64, kind string) {
	n = int64(len(l.o.Raw))
	i, ok := readPlaceholder(l.o.Raw)
	if !ok || i+1 >= len(l.o.Frames) {
		return n, ""
	}
	if h, err := readHeader(l.o.Frames[i]); err == nil {
		kind = h.typ
	}
	return n + int64(len(l.o.Frames[i+1])), kind
}
