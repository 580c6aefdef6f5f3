package cluster

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWorkersRetireBeforeTheyEnd(t *testing.T) {
	c, sch, src := newFake(t, 4)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var asked []string
	sch.retire = func(_ context.Context, names []string) (map[string]string, error) {
		asked = names
		return map[string]string{"2": "it holds x"}, nil
	}
	if err := c.Scale(1); err != nil {
		t.Fatal(err)
	}
	err := c.Settled(t.Context())
	if err == nil || !strings.Contains(err.Error(), "worker 2 stays: it holds x") {
		t.Errorf("settled: %v", err)
	}
	if !slices.Equal(asked, []string{"1", "2", "3"}) {
		t.Errorf("asked to retire %q", asked)
	}
	var left []string
	for _, w := range c.Workers() {
		left = append(left, w.Name())
	}
	if !slices.Equal(left, []string{"0", "2"}) {
		t.Errorf("%q are left", left)
	}
	for _, w := range src.all {
		if n := len(w.stopped); (n == 1) != (w.name == "1" || w.name == "3") {
			t.Errorf("worker %s was stopped %d times", w.name, n)
		}
	}
	sch.retire = func(context.Context, []string) (map[string]string, error) { return nil, errors.New("no luck") }
	if err := c.Scale(1); err != nil {
		t.Fatal(err)
	}
	if err := c.Settled(t.Context()); err == nil || !strings.Contains(err.Error(), "no luck") || len(c.Workers()) != 2 {
		t.Errorf("settled: %v with %d workers", err, len(c.Workers()))
	}
	sch.retire = func(context.Context, []string) (map[string]string, error) {
		t.Error("asked to retire all")
		return nil, nil
	}
	if err := c.Scale(0); err != nil {
		t.Fatal(err)
	}
	if err := c.Settled(t.Context()); err != nil || len(c.Workers()) != 0 {
		t.Errorf("settled: %v with %d workers", err, len(c.Workers()))
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A retirement that takes its time does not keep the cluster from growing again.
func TestScalingUpEndsARetirement(t *testing.T) {
	c, sch, src := newFake(t, 2)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	sch.retire = func(ctx context.Context, _ []string) (map[string]string, error) {
		close(began)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if err := c.Scale(1); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := c.Scale(3); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkers(t.Context(), 3); err != nil {
		t.Error(err)
	}
	if n := len(src.all[1].stopped); n != 0 {
		t.Errorf("the worker that was to retire was stopped %d times", n)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
