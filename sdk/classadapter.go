package sdk

import (
	"context"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/worker"
)

// executorClass is a class on the SDK's worker runtime.
type executorClass struct{ *worker.Class }

var _ WorkerClass = executorClass{}

// Describe is the class's own description.
func (c executorClass) Describe() Description {
	d := c.Class.Describe()
	return Description{
		Version: d.Version, Capabilities: d.Capabilities, Runtimes: d.Runtimes, ConfigSchema: d.ConfigSchema,
	}
}

// StartWorker is the class's Start.
func (c executorClass) StartWorker(ctx context.Context, o worker.StartOptions) (RunningWorker, error) {
	r, err := c.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// asWorkerClass is p as a worker class, nil when it is none.
func asWorkerClass(p Plugin) WorkerClass {
	switch p := p.(type) {
	case *worker.Class:
		return executorClass{p}
	case WorkerClass:
		return p
	}
	return nil
}

// logTo sends the lines of the class's workers to l.
func logTo(p Plugin, l hclog.Logger) {
	if c, ok := p.(interface{ LogTo(hclog.Logger) }); ok {
		c.LogTo(l)
	}
}
