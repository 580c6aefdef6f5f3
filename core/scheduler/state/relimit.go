package state

import (
	"maps"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// This file changes where tasks may run after they were submitted.

// SetResources says what a worker has from now on of the named resources;
// others stay as they were.
type SetResources struct {
	Worker    string
	Resources map[string]float64
}

// SetRestrictions names the workers (addresses, names or hosts) that may run
// tasks from now on; none: all. Tasks that are with a worker stay there.
type SetRestrictions struct {
	Workers    map[wire.Key][]string
	StimulusID string
}

func (e SetResources) apply(m *Machine) {
	w := m.workers[e.Worker]
	if w == nil {
		return
	}
	r := maps.Clone(w.reg.Resources) // snapshots share it
	if r == nil {
		r = map[string]float64{}
	}
	maps.Copy(r, e.Resources)
	w.reg.Resources = r
	m.changed()
}

func (e SetRestrictions) apply(m *Machine) {
	m.stimulus = e.StimulusID
	for _, k := range slices.Sorted(maps.Keys(e.Workers)) {
		t := m.tasks.Get(k)
		if t == nil || t.limits == nil {
			continue // data runs nowhere
		}
		if t.state == Queued || t.state == NoWorker {
			m.transition(t, Released) // off the old list; it is placed again
		}
		old := t.limits
		m.dropLimits(t)
		t.limits = m.limitsOf(&wire.TaskDef{Runtime: old.runtime, Resources: old.resources, Workers: e.Workers[k], AllowOther: old.loose})
		t.limits.tasks++
	}
	m.changed()
}
