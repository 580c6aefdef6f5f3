package scheduler

import (
	"strings"

	"github.com/gdask/gdask/core/scheduler/state"
)

// watchdogTopic is the topic of events about tasks that do not get on.
const watchdogTopic = "watchdog"

// alarm tells of a task that does not get on: the log and an event with all that
// is known of it when nothing happens any more, an event alone when it is slow.
func (l *loop) alarm(a *state.Alarm) {
	key, on := a.Task.Key.String(), a.Task.ProcessingOn
	action := "slow-task"
	if a.Stuck {
		action = "stuck-task"
		l.s.log.warn("a task makes no progress", "key", key, "state", a.Task.State, "worker", on,
			"since", a.Since.UTC().Format("15:04:05"), "reason", a.Reason, "story", storyText(a.Story))
	} else {
		l.s.log.info("a task runs unusually long", "key", key, "worker", on, "reason", a.Reason)
	}
	l.event(watchdogTopic, eventFields(action, "key", key, "state", a.Task.State.String(), "worker", on,
		"reason", a.Reason, "explain", strings.Join(a.Explain, "\n"), "story", storyText(a.Story)))
}

// storyText is a story in one line.
func storyText(story []state.Transition) string {
	parts := make([]string, len(story))
	for i, t := range story {
		parts[i] = t.Time.UTC().Format("15:04:05.000") + " " + t.From.String() + ">" + t.To.String() + " by " + t.Stimulus
	}
	return strings.Join(parts, "; ")
}
