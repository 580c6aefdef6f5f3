package hook

import (
	"context"
	"errors"
	"fmt"

	"github.com/gdask/gdask/sdk/task"
)

var errGoexit = errors.New("it ended its goroutine with runtime.Goexit; return an error instead")

// Guard calls code of a user's: its panic is an error, and when ctx ends it is
// left alone, running, with an error that says so.
func Guard(ctx context.Context, what string, f func(ctx context.Context) error) error {
	ended := make(chan error, 1)
	go func() {
		err := errGoexit
		defer func() {
			if r := recover(); r != nil {
				err = task.NewPanicError(r)
			}
			ended <- err
		}()
		err = f(ctx)
	}()
	select {
	case err := <-ended:
		return named(what, err)
	case <-ctx.Done():
	}
	select { // its end counts even when ctx has ended as well
	case err := <-ended:
		return named(what, err)
	default:
		return fmt.Errorf("%s did not return in time: %w", what, context.Cause(ctx))
	}
}

func named(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
