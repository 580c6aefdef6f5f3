package gdask_test

import (
	"context"
	"fmt"

	"github.com/gdask/gdask"
)

var sumOfSquares = gdask.Func[int]("example.sum-of-squares", func(ctx context.Context, n int) (int, error) {
	c, err := gdask.TaskClient(ctx) // the task's slot is free for others meanwhile
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	squares, err := gdask.Gather(ctx, square.Map(c, numbers))
	sum := 0
	for _, s := range squares {
		sum += s
	}
	return sum, err
})

// A task submits tasks and waits for them.
func ExampleTaskClient() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	fmt.Println(sumOfSquares.Submit(c, 5).Result(ctx))
	// Output: 30 <nil>
}

var whoAmI = gdask.Func[string]("example.who-am-i", func(ctx context.Context) (string, error) {
	w, err := gdask.CurrentWorker(ctx)
	if err != nil {
		return "", err
	}
	return "worker " + w.Name(), nil
})

// Run calls a function in every worker, beside its tasks.
func ExampleRun() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	answers, err := gdask.Run(ctx, c, whoAmI, gdask.RunOptions{Workers: []string{"0"}})
	for _, a := range answers {
		fmt.Println(a, err)
	}
	// Output: worker 0 <nil>
}

// cache is set up in every worker before its tasks need it.
type cache struct{ size int }

func (p *cache) Setup(_ context.Context, w gdask.Worker) error {
	w.Logger().Info("cache is open", "size", p.size)
	return nil
}

func (p *cache) Teardown(context.Context, gdask.Worker) error { return nil }

var newCache = gdask.Func[gdask.WorkerPlugin]("example.cache", func(size int) gdask.WorkerPlugin { return &cache{size} })

// A plugin is made in each worker by a registered function.
func ExampleClient_RegisterWorkerPlugin() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	fmt.Println(c.RegisterWorkerPlugin(ctx, newCache, gdask.PluginOptions{Name: "cache"}, 100))
	fmt.Println(c.UnregisterWorkerPlugin(ctx, "cache"))
	// Output:
	// <nil>
	// <nil>
}
