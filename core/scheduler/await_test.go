package scheduler

import (
	"context"
	"errors"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// A worker that has joined is waited for until it says that it is ready, and no
// longer when it has gone.
func TestAwaitReady(t *testing.T) {
	s := start(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, _ := register(t, s, &wire.RegisterWorker{Address: "memory://late", Status: "init", NThreads: 1})
	ended, end := context.WithCancelCause(ctx)
	end(errors.New("no patience"))
	if err := s.AwaitReady(ended, "memory://late"); err == nil {
		t.Error("a worker that has not said so is ready")
	}
	done := make(chan error, 1)
	go func() { done <- s.AwaitReady(ctx, "memory://late", "memory://nobody") }()
	w.send(&wire.WorkerStatusChange{Status: "running"})
	if err := <-done; err != nil {
		t.Error(err)
	}
	gone, _ := register(t, s, &wire.RegisterWorker{Address: "memory://gone", Status: "init", NThreads: 1})
	go func() { done <- s.AwaitReady(ctx, "memory://gone") }()
	gone.stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
