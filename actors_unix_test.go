//go:build unix

package gdask

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// An actor's worker dies or freezes: its future, the calls in flight and the
// tasks that need it fail, and nothing hangs.
func TestLostActors(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "frozen": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 90*time.Second)
			c := newClient(t, ctx, modes["processes"])
			f := newTally.Submit(c, 0)
			a, err := f.Result(ctx)
			if err != nil {
				t.Fatal(err)
			}
			other, err := f.Result(ctx)
			if err != nil {
				t.Fatal(err)
			}
			victim, err := Call[int](ctx, a, "Pid").Result(ctx)
			if err != nil {
				t.Fatal(err)
			}
			calls := []*ActorFuture[any]{Call[any](ctx, a, "Hang"), Call[any](ctx, other, "Hang"), Call[any](ctx, a, "Hang")}
			if err := syscall.Kill(victim, signal); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = syscall.Kill(victim, syscall.SIGKILL) }()
			var lost *ActorLostError
			for i, call := range calls {
				if _, err := call.Result(ctx); !errors.As(err, &lost) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			until(t, "the failure of the future", func() bool { return f.Status() == Erred })
			if err := f.Exception(ctx); !errors.As(err, &lost) {
				t.Errorf("future: %v", err)
			}
			if _, err := addTo.Submit(c, f, 2).Result(ctx); !errors.As(err, &lost) {
				t.Errorf("dependent task: %v", err)
			}
			if _, err := Call[int](ctx, a, "Add", 1).Result(ctx); !errors.As(err, &lost) {
				t.Errorf("a call afterwards: %v", err)
			}
		})
	}
}
