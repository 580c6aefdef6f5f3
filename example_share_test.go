package gdask_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gdask/gdask"
)

// Queues connect clients and tasks, of Go and Python, by a name.
func ExampleQueue() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	q := gdask.NewQueue[int](c, "numbers", 10)
	defer func() { _ = q.Close() }()
	for i := range 3 {
		if err := q.Put(ctx, i*i); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(q.GetBatch(ctx, 3))
	// Output: [0 1 4] <nil>
}

func ExampleLock() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	file := gdask.NewLock(c, "results.csv")
	if err := file.Lock(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(gdask.NewLock(c, "results.csv").TryLock(ctx))
	fmt.Println(file.Unlock(ctx))
	fmt.Println(errors.Is(file.Unlock(ctx), gdask.ErrNotHeld))
	// Output:
	// false <nil>
	// <nil>
	// true
}

var awaitStart = gdask.Func[string]("example.await-start", func(ctx context.Context) (string, error) {
	c, err := gdask.TaskClient(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	return "started", gdask.NewEvent(c, "start").Wait(ctx)
})

// A task waits for what a client says.
func ExampleNewEvent() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	f := awaitStart.Submit(c)
	if err := gdask.NewEvent(c, "start").Set(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(f.Result(ctx))
	// Output: started <nil>
}

// Published results outlive the client that has computed them.
func ExampleClient_Publish() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	if err := c.Publish(ctx, "squares", gdask.AnyFutures(square.Map(c, []int{1, 2, 3}))...); err != nil {
		fmt.Println(err)
		return
	}
	fs, err := gdask.Dataset[int](ctx, c, "squares") // here or in another program
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gdask.Gather(ctx, fs))
	// Output: [1 4 9] <nil>
}

var tell = gdask.Func[int]("example.tell", func(ctx context.Context, text string) (int, error) {
	return len(text), gdask.LogEvent(ctx, text, "news")
})

// Tasks tell clients of things while they run.
func ExampleClient_Subscribe() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	news, err := c.Subscribe("news")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer news.Close()
	f := tell.Submit(c, "half way")
	defer f.Release()
	e, err := news.Next(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(gdask.TopicMsg[string](e))
	// Output: half way <nil>
}
