package scheduler

// mayRetire leaves out the workers that hold actors, which cannot be moved, when
// others ask for the retirement. A worker that ends on its own account goes all
// the same.
func (l *loop) mayRetire(ws []*workerPeer, asked bool) []*workerPeer {
	if !asked {
		return ws
	}
	out := ws[:0:0]
	for _, w := range ws {
		if n := l.m.Actors(w.address); n > 0 {
			l.s.log.warn("worker holds actors, which cannot be moved, and is not retired; release their futures first",
				"address", w.address, "actors", n)
			continue
		}
		out = append(out, w)
	}
	return out
}
