package gdask

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/worker"
)

// TaskClient is a client for the task that runs with ctx, connected to the
// task's own scheduler: tasks may submit tasks. The task gives its slot to
// others until the client is closed, so that it may wait for them.
//
//	func count(ctx context.Context, dir string) (int, error) {
//		c, err := gdask.TaskClient(ctx)
//		if err != nil {
//			return 0, err
//		}
//		defer c.Close()
func TaskClient(ctx context.Context) (*Client, error) {
	scope := worker.FromContext(ctx)
	if scope == nil {
		return nil, errors.New("gdask: TaskClient needs the context that a task was called with; elsewhere use NewClient")
	}
	dial, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	core, err := client.Dial(dial, scope.Scheduler(), client.Settings{Transports: scope.Transports(), Name: "task", Worker: scope.Worker()})
	if err != nil {
		return nil, fmt.Errorf("gdask: client of task %s: %w", client.KeyText(scope.Key()), err)
	}
	scope.Secede()
	return &Client{core: core, once: new(sync.Once), large: newLargeGraphs(ClientOptions{}), parent: scope.Key(), leave: func() { _ = scope.Rejoin(ctx) }}, nil
}
