package simulate

import "fmt"

// Shrink looks for smaller worlds of the same seed that fail too, and returns
// the failure of the smallest one, with its history.
func Shrink(f *Failure) *Failure {
	best := f.Settings
	for range 40 {
		smaller, found := smallerFailing(best)
		if !found {
			break
		}
		best = smaller
	}
	best.Keep, best.MaxEvents = 20_000, 0
	if again := Run(best).Failure; again != nil {
		return again
	}
	return f
}

// smallerFailing tries each way to make a world smaller, the big steps first.
func smallerFailing(s Settings) (Settings, bool) {
	for _, smaller := range []func(*Settings){
		func(s *Settings) { s.Graphs /= 2 },
		func(s *Settings) { s.Tasks /= 2 },
		func(s *Settings) { s.Workers /= 2 },
		func(s *Settings) { s.Chaos /= 2 },
		func(s *Settings) { s.Span /= 2 },
		func(s *Settings) { s.Clients-- },
		func(s *Settings) { s.Graphs-- },
		func(s *Settings) { s.Workers-- },
		func(s *Settings) { s.Chaos-- },
		func(s *Settings) { s.CheckEvery = 1 },
	} {
		c := s
		smaller(&c)
		if c == s || c.Graphs < 1 || c.Tasks < 1 || c.Workers < 1 || c.Clients < 1 || c.Chaos < 0 || c.Span < 1e6 {
			continue
		}
		c.MaxEvents = 0
		if Run(c).Failure != nil {
			return c, true
		}
	}
	return s, false
}

func (s *Stats) add(o Stats) {
	s.Events += o.Events
	s.Messages += o.Messages
	s.Graphs += o.Graphs
	s.Tasks += o.Tasks
	s.Runs += o.Runs
	s.Faults += o.Faults
	s.Steals += o.Steals
	s.Lost += o.Lost
	s.Time += o.Time
	s.FinalValues += o.FinalValues
}

// String says it in a line.
func (s Stats) String() string {
	return fmt.Sprintf("%d graphs with %d tasks, %d runs, %d messages, %d faults, %d workers lost, %d steals asked for, %d values fetched, %v of simulated time",
		s.Graphs, s.Tasks, s.Runs, s.Messages, s.Faults, s.Lost, s.Steals, s.FinalValues, s.Time.Round(1e9))
}
