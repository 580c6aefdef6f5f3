// Quickstart is the smallest gdask program: a cluster of worker processes on
// this machine, a function, and its results.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/gdask/gdask"
)

var square = gdask.Func[int]("square", func(x int) int { return x * x })

func main() {
	gdask.Main(func() {
		if err := run(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "quickstart:", err)
			os.Exit(1)
		}
	})
}

func run(ctx context.Context) error {
	client, err := gdask.NewClient(ctx) // no address: a cluster for this program
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	fmt.Println(client.Cluster())

	squares, err := gdask.Gather(ctx, square.Map(client, []int{1, 2, 3, 4, 5}))
	fmt.Println("squares:", squares)
	return err
}
