package workerrt

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
)

// Bounds of the functions that tell of the worker.
const (
	startupPatience = 5 * time.Second // for all startup information together
	metricPatience  = 5 * time.Second // for one round of metrics; a later one is not begun before
)

// extras are figures of the users' own: functions of the registry whose names say
// what they are. Heartbeats never wait for them: each has what the last round
// gave and begins the next one.
type extras struct {
	guest   hook.Worker
	reg     *task.Registry
	figures []*task.Function
	startup map[string]any // set before the worker registers

	mu      sync.Mutex
	last    map[string]any
	running bool
}

func newExtras(reg *task.Registry, g hook.Worker) *extras {
	return &extras{guest: g, reg: reg, figures: named(reg, hook.MetricPrefix)}
}

// named are the functions of the registry with a prefix.
func named(reg *task.Registry, prefix string) (fs []*task.Function) {
	if reg == nil {
		return nil
	}
	for _, f := range reg.Functions() {
		if strings.HasPrefix(f.Name(), prefix) {
			fs = append(fs, f)
		}
	}
	return fs
}

// start collects the startup information, and the first metrics.
func (e *extras) start(ctx context.Context) {
	if fs := named(e.reg, hook.StartupPrefix); len(fs) > 0 {
		e.startup = e.collect(ctx, fs, hook.StartupPrefix, startupPatience)
	}
	if len(e.figures) > 0 {
		e.round(ctx)
	}
}

// metrics are those of the last round; a new one begins, in a goroutine that
// ends within metricPatience whatever the functions do.
func (e *extras) metrics(ctx context.Context, spawn func(func())) map[string]any {
	if len(e.figures) == 0 {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		e.running = true
		spawn(func() { e.round(ctx) })
	}
	return e.last
}

func (e *extras) round(ctx context.Context) {
	got := e.collect(ctx, e.figures, hook.MetricPrefix, metricPatience)
	e.mu.Lock()
	e.last, e.running = got, false
	e.mu.Unlock()
}

// collect calls functions without arguments. One that fails is missing; the end of
// the worker, which is the end of ctx, is no failure.
func (e *extras) collect(ctx context.Context, fs []*task.Function, prefix string, patience time.Duration) map[string]any {
	bounded, cancel := context.WithTimeout(hook.With(ctx, e.guest), patience)
	defer cancel()
	out := make(map[string]any, len(fs))
	for _, f := range fs {
		var v any
		err := hook.Guard(bounded, f.Name(), func(ctx context.Context) (err error) {
			v, err = f.Invoke(ctx, nil)
			return err
		})
		if err == nil {
			out[strings.TrimPrefix(f.Name(), prefix)] = v
		} else if ctx.Err() == nil {
			e.guest.Logger().Warn("a function that tells of the worker failed", "error", err)
		}
	}
	return out
}
