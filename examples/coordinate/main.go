// Coordinate works together with other programs, in Go or Python, through what
// they share at a scheduler: it takes numbers from the queue "numbers" and puts
// their squares into the queue "squares", counts them in the variable "done" under
// the lock "counter", and ends when the event "enough" is set.
//
//	coordinate tcp://127.0.0.1:8786
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"github.com/gdask/gdask"
)

func main() {
	gdask.Main(func() {
		if err := coordinate(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "coordinate:", err)
			os.Exit(1)
		}
	})
}

func coordinate(args []string) (err error) {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if len(args) != 1 {
		return errors.New("give the address of a scheduler, such as tcp://127.0.0.1:8786")
	}
	c, err := gdask.NewClient(ctx, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	var enough sync.WaitGroup
	defer enough.Wait()
	defer cancel()
	enough.Go(func() {
		_ = gdask.NewEvent(c, "enough").Wait(ctx) // whatever ends the wait ends the program
		cancel()
	})
	numbers, squares := gdask.NewQueue[int](c, "numbers", 0), gdask.NewQueue[int](c, "squares", 0)
	for {
		n, err := numbers.Get(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := errors.Join(squares.Put(ctx, n*n), count(ctx, c)); err != nil {
			return err
		}
	}
}

// count adds one to the variable, which other programs may do at the same time.
func count(ctx context.Context, c *gdask.Client) (err error) {
	lock, done := gdask.NewLock(c, "counter"), gdask.NewVariable[int](c, "done")
	if err := lock.Lock(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock(ctx)) }()
	n, err := done.Get(ctx)
	if err != nil {
		return err
	}
	return done.Set(ctx, n+1)
}
