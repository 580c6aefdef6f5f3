package scheduler

import (
	"context"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// taskStream answers with the runs of tasks that ended: those between start and
// stop (Unix seconds, or a text such as "5 s" for that long ago), at most count of
// them, or all from number start_index on. The first question begins the record.
func (c *call) taskStream() (any, error) {
	q, err := c.streamQuery()
	if err != nil {
		return nil, err
	}
	runs, err := c.s.taskRuns(c.ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(runs))
	for i := range runs {
		out[i] = runFields(&runs[i])
	}
	return &tree{out}, nil
}

// taskStreamIndex is how many runs were recorded so far.
func (c *call) taskStreamIndex() (any, error) {
	var n int64
	err := c.s.loop.do(c.ctx, func() {
		c.s.loop.m.RecordTasks(c.s.set.TaskStreamLength)
		n = c.s.loop.m.TasksRecorded()
	})
	return n, err
}

// streamQuery is which runs are asked for.
type streamQuery struct {
	first       int64   // number of the first one
	start, stop float64 // 0 and below: no bound
	count       int     // negative: no bound
	none        bool    // only begin the record
}

func (c *call) streamQuery() (q streamQuery, err error) {
	q.count = int(c.float("count", -1))
	if c.has("start_index") {
		q.first = int64(c.float("start_index", 0))
		return q, nil
	}
	if q.start, err = c.moment("start"); err != nil {
		return q, err
	}
	if q.stop, err = c.moment("stop"); err != nil {
		return q, err
	}
	q.none = c.has("stop") && q.stop <= 0
	return q, nil
}

// moment is a time in Unix seconds, or how long ago it was as a text.
func (c *call) moment(name string) (float64, error) {
	if !c.has(name) {
		return 0, nil
	}
	text := c.opaque(name)
	if _, isText := text.AsString(); !isText {
		return c.float(name, 0), nil
	}
	var d wire.Duration
	if _, err := d.UnmarshalMsg(c.raw(name)); err != nil {
		return 0, asPython("ValueError", "operation %s: field %s: %v; give Unix seconds, or a text such as \"5 s\" for that long ago", c.op, name, err)
	}
	return unixNow() - float64(d), nil
}

// taskRuns begins the record if need be and picks runs, oldest first.
func (s *Scheduler) taskRuns(ctx context.Context, q streamQuery) (runs []state.Ran, err error) {
	err = s.loop.do(ctx, func() {
		s.loop.m.RecordTasks(s.set.TaskStreamLength)
		if !q.none {
			runs = s.loop.m.TaskStream(q.first)
		}
	})
	from, to := 0, len(runs)
	for from < to && q.start > 0 && ended(&runs[from]) < q.start {
		from++
	}
	for i := from; q.stop > 0 && i < to; i++ {
		if ended(&runs[i]) >= q.stop {
			to = i
		}
	}
	switch {
	case q.count < 0 || q.count >= to-from:
	case q.start > 0:
		to = from + q.count
	default:
		from = to - q.count
	}
	return runs[from:to], err
}

// ended is when a run ended, in Unix seconds of its worker's clock.
func ended(r *state.Ran) float64 {
	last := 0.0
	for i := range r.StartStops {
		last = max(last, r.StartStops[i].Stop)
	}
	if last == 0 {
		return unixSeconds(r.At)
	}
	return last
}

// runFields is a run under Dask's names.
func runFields(r *state.Ran) object {
	status := "OK"
	if r.Erred {
		status = "error"
	}
	times := make([]any, len(r.StartStops))
	for i, s := range r.StartStops {
		o := object{{"action", s.Action}, {"start", s.Start}, {"stop", s.Stop}}
		if s.Source != "" {
			o = append(o, field{"source", s.Source})
		}
		times[i] = o
	}
	var thread any
	if !r.Thread.IsNil() {
		thread = &r.Thread
	}
	return object{
		{"key", r.Key}, {"worker", r.Worker}, {"status", status}, {"nbytes", r.Nbytes}, {"typename", r.Typename},
		{"thread", thread}, {"startstops", times}, {"stimulus_id", r.Stimulus}, {"time", unixSeconds(r.At)},
	}
}

// secondsText shows a duration to people.
func secondsText(s float64) string {
	d, unit := time.Duration(s*float64(time.Second)), time.Microsecond
	for unit < time.Second && d >= 1000*unit { // three digits behind the point are enough
		unit *= 1000
	}
	return d.Round(unit / 1000).String()
}
