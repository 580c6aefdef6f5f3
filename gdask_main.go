package gdask

import (
	"fmt"
	"os"
	"sync/atomic"

	"github.com/gdask/gdask/builtin/all"
	"github.com/gdask/gdask/sdk"
)

// entered says that Main was called: only then may worker processes be started,
// which are this program again.
var entered atomic.Bool

// Main runs program, or, in a process that a cluster started to be a worker,
// becomes that worker and ends with it. It must be the first thing that main
// does; with [Func]s that were registered wrongly it says so and exits with
// status 1.
//
//	func main() { gdask.Main(run) }
func Main(program func()) {
	entered.Store(true)
	if err := mistakes.err(); err != nil {
		exit(err)
	}
	if kind, name, ok := sdk.ChildRequested(); ok {
		class, err := all.Child(kind, name, functions)
		if err != nil {
			exit(err)
		}
		sdk.Serve(class)
	}
	program()
}

// exit ends a process whose main function must not go on.
func exit(err error) {
	_, _ = fmt.Fprintln(os.Stderr, err)
	os.Exit(1) //nolint:forbidigo // Main stands for the program's main function
}
