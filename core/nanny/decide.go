package nanny

// action is what a sample of a process's memory leads to.
type action int

const (
	nothing   action = iota
	terminate        // ask it to end
	kill             // it was asked and still has too much
)

// state is what is known of one process. It decides without any I/O.
type state struct {
	limit    int64   // bytes
	fraction float64 // of the limit that may be used
	asked    bool    // it was asked to end
}

// decide takes one sample. A process is asked once, and killed when a later
// sample is over the limit as well: a function of the user's may hold up its
// end, and more memory may be gone every moment.
func (s *state) decide(resident int64) action {
	switch {
	case float64(resident) <= s.fraction*float64(s.limit):
		return nothing
	case s.asked:
		return kill
	}
	s.asked = true
	return terminate
}
