// Command gdask-plugin-worker-mycustom is a third party's worker class.
package main

import (
	"context"

	"github.com/gdask/gdask/examples/wordcount/words"
	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/worker"
)

type custom struct{}

func (custom) Execute(ctx context.Context, t worker.Task) (worker.Result, error) {
	return t.Run(ctx) // or replace how a task is run
}

func main() {
	sdk.Serve(worker.New("mycustom", func(*custom) (worker.Executor, error) { return custom{}, nil }, worker.Functions(words.Registry())))
}
