//go:build unix

package suite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker"
)

// textExecutor understands run specs that are single words.
type textExecutor struct{}

func (textExecutor) Execute(ctx context.Context, t worker.Task) (worker.Result, error) {
	switch word := t.Spec().Text(); word {
	case "quick":
		return worker.Result{Value: int64(1)}, nil
	case "wait":
		<-ctx.Done()
		return worker.Result{}, ctx.Err()
	case "large":
		return worker.Result{Value: make([]byte, largeSize)}, nil
	case "use":
		in, err := t.Inputs()
		for _, v := range in {
			return worker.Result{Value: v}, err
		}
		return worker.Result{}, errors.New("nothing to use")
	default:
		return worker.Result{}, errors.New("cannot " + word)
	}
}

func textSpecs(t *testing.T) *Specs {
	t.Helper()
	value, err := task.EncodeValue("a value")
	if err != nil {
		t.Fatal(err)
	}
	return &Specs{
		Runtime: "text", Quick: wire.StringOpaque("quick"), Fail: wire.StringOpaque("fail"), Wait: wire.StringOpaque("wait"),
		Large: wire.StringOpaque("large"), Value: value, Use: func(wire.Key) wire.Opaque { return wire.StringOpaque("use") },
	}
}

func TestWorkerOfAnotherRuntime(t *testing.T) {
	p := program(t, "text")
	p.Specs = textSpecs(t)
	Worker(t, p)
}

// TestMissingSpecsAreSaid: what was not checked must not look as if it was.
func TestMissingSpecsAreSaid(t *testing.T) {
	for _, rule := range []string{"worker/cancel", "worker/dependency", "worker/large"} {
		p := program(t, "text")
		p.Specs = textSpecs(t)
		p.Specs.Wait, p.Specs.Large, p.Specs.Use = wire.Opaque{}, wire.Opaque{}, nil
		r := &report{ctx: t.Context(), only: rule}
		if Worker(r, p); len(r.failed) > 0 || !strings.Contains(r.notes, "not checked") {
			t.Errorf("%s: failed are %q, notes %q\n%s", rule, r.failed, r.notes, r.text)
		}
	}
}

func TestUnknownRuntimeNeedsSpecs(t *testing.T) {
	r := &report{ctx: t.Context(), only: "worker/tasks"}
	Worker(r, program(t, "text"))
	if !strings.Contains(r.text, "give Program.Specs") {
		t.Errorf("failed are %q:\n%s", r.failed, r.text)
	}
}

// TestGivenUp: cases of a T whose context has ended do not wait.
func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &report{ctx: ctx, only: "lifecycle/cycles"}
	if Worker(r, program(t, "good")); !strings.Contains(r.text, context.Canceled.Error()) {
		t.Errorf("failed are %q:\n%s", r.failed, r.text)
	}
}
