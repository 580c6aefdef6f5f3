package gdask_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask"
)

var attempts atomic.Int32

var (
	flaky = gdask.Func[string]("example.flaky", func() (string, error) {
		if attempts.Add(1) < 3 {
			return "", errors.New("not now")
		}
		return "in the third attempt", nil
	})
	endless = gdask.Func[int]("example.endless", func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	team = gdask.Func[string]("example.team", func(ctx context.Context) (string, error) {
		t, err := gdask.CurrentTask(ctx)
		return fmt.Sprint(t.Annotations["team"]), err
	})
)

// Options say how often a task is tried and how long it may take.
func ExampleFunction_With() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	fmt.Println(flaky.With(gdask.Options{Retries: 5}).Submit(c).Result(ctx))

	_, err = endless.With(gdask.Options{Key: "endless-1", Timeout: 10 * time.Millisecond}).Submit(c).Result(ctx)
	var failed *gdask.TaskError
	fmt.Println(errors.As(err, &failed), failed.Message)
	// Output:
	// in the third attempt <nil>
	// true task endless-1: timeout of 0.01 s passed: context deadline exceeded
}

// A view of a client gives options to all that is submitted through it.
func ExampleClient_Annotate() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	urgent := c.Annotate(gdask.Options{Priority: 10, Annotations: map[string]any{"team": "ingest"}})
	fmt.Println(team.Submit(urgent).Result(ctx))
	// Output: ingest <nil>
}
