package state

import "github.com/gdask/gdask/sdk/wire"

const (
	// keptDefects is how many defects one Output tells of, defectStory how many
	// transitions of its task each.
	keptDefects = 100
	defectStory = 100
)

// Defect is what must never be: a transition that is impossible or, with
// Validate, a broken invariant.
type Defect struct {
	What     string
	Key      wire.Key // "" when it is about no task
	From, To State    // of an impossible transition, else the same
	Stimulus string   // id or name of the event that showed it
	Story    []Transition
}

// String is the defect in a few words.
func (d Defect) String() string { return d.What + ": " + d.Key.String() }

// IsTransition says whether a transition was impossible.
func (d *Defect) IsTransition() bool { return d.From != d.To }

func (m *Machine) fault(what string, k wire.Key) { m.defect(Defect{What: what, Key: k}) }

func (m *Machine) impossible(t *task, s State) {
	m.defect(Defect{What: "impossible transition from " + t.state.String() + " to " + s.String(), Key: t.key, From: t.state, To: s})
}

// defect notes d with the latest of its task's story.
func (m *Machine) defect(d Defect) {
	if len(m.out.Errors) >= keptDefects {
		return
	}
	d.Stimulus = m.named()
	if d.Key != "" {
		d.Story = m.Story(d.Key)
		d.Story = d.Story[max(0, len(d.Story)-defectStory):]
	}
	m.out.Errors = append(m.out.Errors, d)
}
