package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// StoryRow is one thing that happened to a task.
type StoryRow struct {
	// Where is "scheduler" or a worker's address; each has a clock of its own.
	Where string
	Key   wire.Key
	// From and To are states under Dask's names; a row of a Python worker that is no
	// transition has an Event instead.
	From, To, Event string
	Stimulus        string // the id of what caused it, or its name
	Time            time.Time
}

// Story is what scheduler and workers remember of tasks, by their keys or by the
// ids of what caused it, in the order of time. Workers that do not answer are left
// out.
func (c *Client) Story(ctx context.Context, keysOrStimuli []wire.Key) ([]StoryRow, error) {
	if len(keysOrStimuli) == 0 {
		return nil, fmt.Errorf("client: a story needs the keys of tasks, or ids of stimuli; none was given")
	}
	o, err := c.call(ctx, "get_story", "keys_or_stimuli", keysOrStimuli)
	if err != nil {
		return nil, err
	}
	rows := storyRows("scheduler", o.Raw)
	answers, err := c.broadcast(ctx, "get_story", "keys_or_stimuli", keysOrStimuli)
	if err != nil {
		return nil, err
	}
	err = eachEntry(answers.Raw, func(worker wire.Key, raw []byte) error {
		rows = append(rows, storyRows(KeyText(worker), raw)...)
		return nil
	})
	slices.SortStableFunc(rows, func(a, b StoryRow) int { return a.Time.Compare(b.Time) })
	return rows, err
}

// broadcast asks all workers the same and returns what those said that answer.
func (c *Client) broadcast(ctx context.Context, op string, fields ...any) (wire.Opaque, error) {
	m, err := request(op, fields...)
	if err != nil {
		return wire.Opaque{}, err
	}
	u, _ := m.(*wire.UnknownMsg)
	return c.call(ctx, "broadcast", "msg", u.Map, "on_error", "ignore")
}

// storyRows reads the rows of one machine. Those of schedulers have six columns
// and of workers seven; Python workers also have rows of other things.
func storyRows(where string, raw []byte) (rows []StoryRow) {
	for _, item := range items(raw) {
		cols := items(item)
		if len(cols) < 3 {
			continue
		}
		r := StoryRow{Where: where, Time: moment(floatOf(cols[len(cols)-1])), Stimulus: text(cols[len(cols)-2])}
		r.Key, _, _ = wire.ParseKey(cols[0]) // a row about no task has no key
		switch len(cols) {
		case 6:
			r.From, r.To = text(cols[1]), text(cols[2])
		case 7:
			r.From, r.To = text(cols[1]), text(cols[3])
		default:
			r.Event = text(cols[1])
		}
		rows = append(rows, r)
	}
	return rows
}
