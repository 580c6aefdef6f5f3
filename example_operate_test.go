package gdask_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gdask/gdask"
)

// A worker that hangs is started again by its nanny; its tasks run elsewhere.
func ExampleClient_RestartWorkers() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := gdask.NewClient(ctx, gdask.LocalOptions{NWorkers: new(1), DashboardAddress: "none"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	fmt.Println(c.RestartWorkers(ctx, []string{"0"}, 0))
	// Output: map[0:OK] <nil>
}

// A worker that retires hands its results to others first.
func ExampleClient_RetireWorkers() {
	ctx := context.Background()
	o := inProcess
	o.NWorkers = new(2)
	c, err := gdask.NewClient(ctx, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	_ = c.WaitForWorkers(ctx, 2)
	f := square.With(gdask.Options{Workers: []string{"1"}}).Submit(c, 7)
	_ = gdask.Wait(ctx, f)
	report, err := c.RetireWorkers(ctx, gdask.RetireOptions{Workers: []string{"1"}, Close: true})
	fmt.Println(len(report.Retired), len(report.Kept), err)
	fmt.Println(f.Result(ctx))
	// Output:
	// 1 0 <nil>
	// 49 <nil>
}

// What happened to a task, as the scheduler saw it.
func ExampleClient_Story() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	_ = c.WaitForWorkers(ctx, 1) // else the task may wait for one first
	f := square.Submit(c, 8)
	_ = gdask.Wait(ctx, f)
	rows, err := c.Story(ctx, f)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rows {
		if r.Where == "scheduler" {
			fmt.Println(r.From, ">", r.To)
		}
	}
	// Output:
	// released > waiting
	// waiting > processing
	// processing > memory
}

// Why a task does not run.
func ExampleClient_Explain() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	f := half.With(gdask.Options{Key: "half-of-5"}).Submit(c, 5)
	g := square.With(gdask.Options{Key: "square-of-half"}).Submit(c, f)
	_ = gdask.Wait(ctx, g)
	why, err := c.Explain(ctx, g)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sentence := range why[g.Key()] {
		_, cause, _ := strings.Cut(sentence, "because ")
		fmt.Println(cause)
	}
	// Output: its input half-of-5 is: 5 is odd
}
