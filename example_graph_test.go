package gdask_test

import (
	"context"
	"fmt"
	"os"

	"github.com/gdask/gdask"
)

// A graph is built on the client and submitted as a whole.
func ExampleDelayed() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	words := []any{upper.Delay("a"), upper.Delay("b")}
	fmt.Println(join.Delay(words, "+").Compute(ctx, c))
	// Output: A+B <nil>
}

// The tasks of a graph name each other by their keys.
func ExampleGraph() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	g := gdask.NewGraph()
	g.Set("words", join.Delay([]any{gdask.KeyOf[string]("a"), gdask.KeyOf[string]("b")}, " "))
	g.Set("a", upper.Delay("hello"))
	g.Set("b", upper.Delay("world"))
	fmt.Println(g.Get(ctx, c, "words"))
	// Output: [HELLO WORLD] <nil>
}

// Futures may be added while others are waited for.
func ExampleCompleted() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	done := gdask.NewCompleted(square.Submit(c, 2))
	for f, err := range done.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		n, _ := f.Result(ctx)
		fmt.Println(n)
		if n < 100 {
			_ = done.Add(square.Submit(c, n))
		}
	}
	// Output:
	// 4
	// 16
	// 256
}

func ExampleProgress() {
	ctx := context.Background()
	c, err := gdask.NewClient(ctx, inProcess)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	fmt.Println(gdask.Progress(ctx, os.Stdout, square.Submit(c, 3)))
	// Output:
	// example.square [########################################] 1/1
	// <nil>
}
