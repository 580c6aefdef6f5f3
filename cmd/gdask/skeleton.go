package main

// goVersion is the Go version of new modules: the oldest that the SDK builds with.
const goVersion = "1.26.0"

const skeletonMain = `// Command gdask-plugin-worker-NAME is a worker class for gdask.
package main

import (
	"context"

	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/worker"
)

type custom struct{} // fields with json tags are its configuration

func (custom) Execute(ctx context.Context, t worker.Task) (worker.Result, error) {
	return t.Run(ctx) // or replace how a task is run
}

func main() {
	sdk.Serve(worker.New("NAME", func(c *custom) (worker.Executor, error) { return *c, nil }, worker.Version("0.1.0")))
}
`

const skeletonTest = `package main

import (
	"testing"

	"github.com/gdask/gdask/sdk/conformance"
)

func TestConformance(t *testing.T) {
	conformance.Worker(t, conformance.Program{Path: conformance.Build(t, ".", "NAME")})
}
`

const skeletonReadme = `# NAME

A worker class for gdask. Build it, put it into a plugin directory, run it:

COMMANDS

` + "`go test`" + ` runs gdask's conformance suite on the executable, as does
` + "`gdask plugin test ./gdask-plugin-worker-NAME`" + `.

Tasks are Go functions that the plugin registers: pass worker.Functions with a
task.Registry to worker.New. Fields of the struct custom are the configuration that
users write under plugins.worker.NAME.config.
`
