package gdask_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gdask/gdask"
)

var (
	square = gdask.Func[int]("example.square", func(x int) int { return x * x })
	join   = gdask.Func[string]("example.join", strings.Join)
	upper  = gdask.Func[string]("example.upper", strings.ToUpper)
	half   = gdask.Func[int]("example.half", func(x int) (int, error) {
		if x%2 != 0 {
			return 0, fmt.Errorf("%d is odd", x)
		}
		return x / 2, nil
	})
)

// inProcess is the options of a small cluster without worker processes.
var inProcess = gdask.LocalOptions{Processes: new(false), DashboardAddress: "none"}

// Functions run in worker processes, which are this program again.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := gdask.NewClient(ctx, gdask.LocalOptions{NWorkers: new(2), DashboardAddress: "none"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	squares, err := gdask.Gather(ctx, square.Map(c, []int{1, 2, 3}))
	fmt.Println(squares, err)
	// Output: [1 4 9] <nil>
}

// Futures are arguments before they are done, also inside slices.
func ExampleFunction_Submit() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	words := upper.Map(c, []string{"a", "b", "c"})
	fmt.Println(join.Submit(c, words, "-").Result(ctx))
	// Output: A-B-C <nil>
}

// The error of a task has its key, its text and the stack of the worker.
func ExampleTaskError() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	_, err = half.With(gdask.Options{Key: "half-of-3"}).Submit(c, 3).Result(ctx)
	var failed *gdask.TaskError
	fmt.Println(errors.As(err, &failed), failed.Message)
	// Output: true 3 is odd
}

func ExampleAsCompleted() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	total := 0
	for f, err := range gdask.AsCompleted(ctx, square.Map(c, []int{1, 2, 3, 4})...) {
		if err != nil {
			fmt.Println(err)
			return
		}
		x, _ := f.Result(ctx)
		total += x
		f.Release() // the cluster may forget it
	}
	fmt.Println(total)
	// Output: 30
}

func ExampleScatter() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	text, err := gdask.Scatter(ctx, c, []string{"sent once"}, gdask.ScatterOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(upper.Submit(c, text[0]).Result(ctx))
	// Output: SENT ONCE <nil>
}
