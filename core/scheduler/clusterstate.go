package scheduler

import (
	"context"
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/core/secrets"
	"github.com/gdask/gdask/sdk/wire"
)

// dumpChunk is how many tasks one turn of the loop describes, so that other work
// goes on while a large state is dumped.
const dumpChunk = 1000

// clusterState answers with all that scheduler and workers know, in the form of
// Dask's dumps; the field exclude names fields to leave out.
func (c *call) clusterState() (any, error) {
	defer c.attend()()
	over, err := c.s.dumpTurn(c.ctx)
	if err != nil {
		return nil, err
	}
	defer over()
	o, err := c.s.clusterState(c.ctx, c.exclude())
	return &tree{o}, err
}

// dumpTurn lets one dump at a time be made: that of a large state takes much
// memory, and its file appears under its name only when it is whole.
func (s *Scheduler) dumpTurn(ctx context.Context) (over func(), err error) {
	select {
	case s.dumping <- struct{}{}:
		return func() { <-s.dumping }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("another dump of the cluster's state is being made: %w", context.Cause(ctx))
	}
}

// exclude are the names of fields to leave out; a single text counts as one.
func (c *call) exclude() []string {
	names, err := c.texts("exclude")
	if err != nil {
		return nil
	}
	return names
}

func (s *Scheduler) clusterState(ctx context.Context, exclude []string) (object, error) {
	own, err := s.dumpOwn(ctx, exclude)
	if err != nil {
		return nil, err
	}
	states, err := s.askWorkers(ctx, "dump_state", field{"exclude", exclude})
	if err != nil {
		return nil, err
	}
	versions, err := s.askWorkers(ctx, "versions")
	if err != nil {
		return nil, err
	}
	for i := range states {
		if o, ok := states[i].value.(*wire.Opaque); ok {
			states[i].value = hideConfig(o)
		}
	}
	versions = slices.DeleteFunc(versions, func(f field) bool { _, failed := f.value.(string); return failed })
	return object{
		{"scheduler", own}, {"workers", states},
		{"versions", object{{"scheduler", s.versions()}, {"workers", versions}}},
	}, nil
}

// askWorkers asks all workers the same. Who fails or is silent has the reason, as
// a text, in place of an answer.
func (s *Scheduler) askWorkers(ctx context.Context, op string, fields ...field) (object, error) {
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	c := &call{s: s, ctx: ctx}
	targets, err := c.named(nil, false)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.requestContext(ctx)
	defer cancel()
	answers, errs := c.askAll(ctx, targets, m)
	out := object{}
	for i, t := range targets {
		if o, err := wireBytes(answers[i]); errs[i] == nil && err == nil {
			out = append(out, field{t.name, &o})
			continue
		}
		out = append(out, field{t.name, fmt.Sprintf("no answer to %s: %v", op, errs[i])})
	}
	return out, nil
}

// hideConfig redacts the secrets in the configuration that a worker sent.
func hideConfig(o *wire.Opaque) any {
	fields, err := splitMap(*o)
	if err != nil || fields["config"].IsNil() {
		return o
	}
	config, err := dump.Decode(fields["config"].Raw)
	if err != nil {
		config = "<not understood: " + err.Error() + ">"
	}
	out := object{}
	for _, name := range sortedKeys(fields) {
		value := fields[name]
		if name != "config" {
			out = append(out, field{name, &value})
			continue
		}
		raw, err := msgp.AppendIntf(nil, secrets.Hide(config))
		if err == nil {
			out = append(out, field{name, &wire.Opaque{Raw: raw}})
		}
	}
	return out
}

// dumpOwn is the scheduler's own state under Dask's names.
func (s *Scheduler) dumpOwn(ctx context.Context, exclude []string) (object, error) {
	var o object
	var keys []wire.Key
	var story []state.Transition
	var events map[string][]topicEvent
	l := s.loop
	err := l.do(ctx, func() { // only what must be of one moment; texts are made outside
		o = append(l.identity(-1).without("workers"), field{"status", "running"})
		o = append(o, field{"transition_counter", int64(l.m.Transitions())},
			field{"workers", l.dumpWorkers(exclude)}, field{"clients", l.dumpClients()},
			field{"task_groups", l.dumpGroups()}, field{"erred_tasks", failureRows(l.m.Failures())})
		keys, story, events = l.m.UnsortedKeys(), l.m.Story(), l.topics.remembered("")
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	o = append(o, field{"transition_log", storyRows(story)}, field{"events", dumpEvents(events)}, field{"logs", logRows(s.log.last(0))})
	if !slices.Contains(exclude, "tasks") {
		tasks, err := s.dumpTasks(ctx, keys, exclude)
		if err != nil {
			return nil, err
		}
		o = append(o, field{"tasks", tasks})
	}
	return o.without(exclude...), nil
}

func (s *Scheduler) dumpTasks(ctx context.Context, keys []wire.Key, exclude []string) (object, error) {
	tasks := make(object, 0, len(keys))
	for chunk := range slices.Chunk(keys, dumpChunk) {
		err := s.loop.do(ctx, func() {
			for _, k := range chunk {
				if t, known := s.loop.m.Task(k); known {
					tasks = append(tasks, field{k.String(), taskFields(&t).without(exclude...)})
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return tasks, nil
}

// taskFields is a task under Dask's names. Run specs are left out: nobody here
// can read them.
func taskFields(t *state.TaskInfo) object {
	o := object{
		{"key", t.Key}, {"state", t.State.String()}, {"prefix", t.Prefix}, {"group", t.Group}, {"runtime", t.Runtime},
		{"priority", []any{t.Priority[0], t.Priority[1], t.Priority[2]}},
		{"dependencies", t.Dependencies}, {"dependents", t.Dependents}, {"waiting_on", t.WaitingOn}, {"waiters", t.Waiters},
		{"who_wants", t.WhoWants}, {"who_has", t.WhoHas}, {"processing_on", t.ProcessingOn}, {"run_id", t.RunID},
		{"nbytes", t.Nbytes}, {"type", t.Typename}, {"retries", t.Retries}, {"suspicious", t.Suspicious},
		{"worker_restrictions", t.Workers}, {"loose_restrictions", t.AllowOther}, {"resource_restrictions", floats(t.Resources)},
		{"actor", t.Actor}, {"annotations", &t.Annotations}, {"pure_data", t.PureData}, {"long_running", t.LongRunning},
	}
	if t.State == state.Erred {
		o = append(o, field{"exception_blame", t.Blame}, field{"exception_text", t.ExceptionText},
			field{"traceback_text", t.TracebackText}, field{"erred_on", t.ErredOn})
	}
	return o
}

func floats(m map[string]float64) object {
	o := object{}
	for _, name := range sortedKeys(m) {
		o = append(o, field{name, m[name]})
	}
	return o
}
