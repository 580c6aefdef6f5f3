package scheduler

import (
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

const (
	// machineDefect begins the log lines of what must never happen.
	machineDefect = "defect of the scheduler's state"
	// transitionsTopic is Dask's topic of failed transitions.
	transitionsTopic = "transitions"
)

// defect tells of what must never happen, in the log and as an event: Dask's of a
// failed transition, or one of our own. The scheduler goes on.
func (l *loop) defect(d *state.Defect) {
	l.s.log.error(machineDefect, "problem", d.String(), "stimulus", d.Stimulus, "story", storyText(d.Story))
	told := object{
		{"action", "scheduler-invariant-failed"}, {"problem", d.What}, {"stimulus_id", d.Stimulus},
		{"transition_log", storyRows(d.Story)},
	}
	if d.Key != "" {
		told = append(told, field{"key", d.Key})
	}
	if d.IsTransition() {
		told[0].value = "scheduler-transition-failed"
		told = append(told, field{"start", d.From.String()}, field{"finish", d.To.String()})
	}
	raw, err := appendTree(nil, told)
	if err != nil {
		l.s.log.warn("an event cannot be encoded", "topic", transitionsTopic, "error", err)
		return
	}
	l.event(transitionsTopic, wire.Opaque{Raw: raw})
}
