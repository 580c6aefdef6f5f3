package suite

import (
	"context"
	"fmt"
	"time"
)

// benchRules print figures of the plugin.
var benchRules = []rule{
	{name: "bench/start", measures: true, check: benchStart},
	{name: "bench/control", measures: true, check: benchControl},
	{name: "bench/tasks", measures: true, check: benchTasks},
	{name: "bench/data", measures: true, check: benchData},
}

func benchStart(ctx context.Context, e *env) error {
	began := time.Now()
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	if err := p.health(ctx); err != nil {
		return err
	}
	e.logf("from its start to its first answer: %v", time.Since(began).Round(100*time.Microsecond))
	return nil
}

func benchControl(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	const calls = 200
	began := time.Now()
	for range calls {
		if err := p.health(ctx); err != nil {
			return err
		}
	}
	e.logf("one call and its answer on the control connection: %v", (time.Since(began) / calls).Round(time.Microsecond))
	return nil
}

func benchTasks(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	const tasks = 1000
	began := time.Now()
	for i := range tasks {
		if err := j.w.compute(fmt.Sprint("bench-", i), s.Runtime, s.Quick); err != nil {
			return err
		}
	}
	for i := range tasks {
		if _, err := j.w.outcome(ctx, fmt.Sprint("bench-", i)); err != nil {
			return err
		}
	}
	verb := map[bool]string{true: "done", false: "refused"}[s.known]
	e.logf("tasks %s by one slot: %.0f a second", verb, tasks/time.Since(began).Seconds())
	return nil
}

func benchData(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	if !s.known || len(s.Large.Raw) == 0 {
		return fmt.Errorf("the class makes no large results that the suite could ask for")
	}
	if err := j.produce(ctx, "large", s.Runtime, s.Large); err != nil {
		return err
	}
	began := time.Now()
	v, err := j.w.value(ctx, "large")
	if err != nil {
		return err
	}
	e.logf("from the worker to a peer: %.0f MiB a second", float64(size(v))/(1<<20)/time.Since(began).Seconds())
	return nil
}
