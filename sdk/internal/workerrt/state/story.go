package state

import "github.com/gdask/gdask/sdk/wire"

// Transition is one change of a task's state.
type Transition struct {
	Key      wire.Key
	Stimulus string // id of the event that caused it, or the event's name
	At       int64  // Unix nanoseconds, see [Machine.SetNow]
	From, To State
}

// DefaultLogLength is how many transitions a machine remembers.
const DefaultLogLength = 1000

// ring keeps the latest transitions in room that the first one allocates.
type ring struct {
	size  int
	items []Transition
	next  int
	full  bool
	total uint64 // ever added
}

func newRing(n int) ring { return ring{size: max(n, 0)} }

func (r *ring) add(key wire.Key, stimulus string, at int64, from, to State) {
	if len(r.items) == 0 {
		if r.size == 0 {
			return
		}
		r.items = make([]Transition, r.size)
	}
	t := &r.items[r.next] // field by field: no copy of the whole
	t.Key, t.Stimulus, t.At, t.From, t.To = key, stimulus, at, from, to
	r.total++
	if r.next++; r.next == len(r.items) {
		r.next, r.full = 0, true
	}
}

// inOrder are the two parts of the ring, oldest first.
func (r *ring) inOrder() [2][]Transition {
	if !r.full {
		return [2][]Transition{r.items[:r.next]}
	}
	return [2][]Transition{r.items[r.next:], r.items[:r.next]}
}

// SetNow tells the time at which the events that follow happened, in Unix
// nanoseconds; only the story shows it.
func (m *Machine) SetNow(now int64) { m.now = now }

// enter changes a task's state.
func (m *Machine) enter(t *Task, s State) {
	if t.State != s {
		m.log.add(t.Key, m.stimulus, m.now, t.State, s)
		t.State = s
	}
}

// Since are the transitions after the first n, oldest first, as far as they are
// remembered, and how many there have been.
func (m *Machine) Since(n uint64) (ts []Transition, total uint64) {
	parts := m.log.inOrder()
	kept := uint64(len(parts[0]) + len(parts[1]))
	skip := max(n, m.log.total-kept) - (m.log.total - kept)
	for _, part := range parts {
		for i := range part {
			if skip > 0 {
				skip--
				continue
			}
			ts = append(ts, part[i])
		}
	}
	return ts, m.log.total
}

// Story are the remembered transitions of the keys, or those that events with
// these ids or names caused, oldest first; without any all of them.
func (m *Machine) Story(keysOrStimuli ...wire.Key) (story []Transition) {
	keys := make(map[wire.Key]bool, len(keysOrStimuli))
	stimuli := make(map[string]bool, len(keysOrStimuli))
	for _, k := range keysOrStimuli {
		keys[k] = true
		if s, ok := k.Str(); ok {
			stimuli[s] = true
		}
	}
	for _, part := range m.log.inOrder() {
		for i := range part {
			if t := &part[i]; len(keysOrStimuli) == 0 || keys[t.Key] || stimuli[t.Stimulus] {
				story = append(story, *t)
			}
		}
	}
	return story
}

// stimulusOf is what the story shows as the reason of transitions: the id of a
// message, or else the name of the event.
func stimulusOf(id, name string) string {
	if id != "" {
		return id
	}
	return name
}
