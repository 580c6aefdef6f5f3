package gdask

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
)

// OnError says what becomes of failures of a function that ran on many workers.
type OnError int

// The choices, as in Dask.
const (
	OnErrorRaise  OnError = iota // any failure fails the whole
	OnErrorReturn                // results and a *RunErrors
	OnErrorIgnore                // results alone
)

// RunOptions say where [Run] runs a function. The zero value is every worker.
type RunOptions struct {
	// Workers are addresses or names; nil means all.
	Workers []string
	// Nanny runs it in the processes that supervise the workers.
	Nanny   bool
	OnError OnError
	// NoWait returns when the function has begun, without results.
	NoWait bool
}

// RunError is the failure of a function on one worker, nanny or scheduler.
type RunError = client.RunError

// RunErrors are the failures of [Run] by the worker's address, of the type
// [*RunError] where the function failed there.
type RunErrors struct{ Errors map[string]error }

// Error implements error.
func (e *RunErrors) Error() string {
	var texts []string
	for _, a := range slices.Sorted(maps.Keys(e.Errors)) {
		texts = append(texts, e.Errors[a].Error())
	}
	return fmt.Sprintf("gdask: run failed on %d: %s", len(texts), strings.Join(texts, "; "))
}

// Unwrap returns them all.
func (e *RunErrors) Unwrap() []error { return slices.Collect(maps.Values(e.Errors)) }

// Run calls a registered function at once in every worker, outside of tasks and
// their slots, and returns the results by the workers' addresses. The function
// finds its worker with [CurrentWorker], or its nanny with [CurrentNanny]. Failures are
// a [*RunErrors], as RunOptions.OnError says.
func Run[R any](ctx context.Context, c *Client, f *Function[R], o RunOptions, args ...any) (map[string]R, error) {
	packed, err := f.pack(args)
	if err != nil {
		return nil, err
	}
	answers, err := c.core.Broadcast(ctx, packed, o.Workers, o.Nanny, !o.NoWait)
	if err != nil {
		return nil, fmt.Errorf("gdask: run %q: %w", f.name, err)
	}
	results, failed := map[string]R{}, &RunErrors{map[string]error{}}
	for address, a := range answers {
		if a.Err == nil && !o.NoWait {
			results[address], a.Err = decoded[R](a)
		}
		if a.Err != nil {
			failed.Errors[address] = a.Err
			delete(results, address)
		}
	}
	switch {
	case len(failed.Errors) == 0 || o.OnError == OnErrorIgnore:
		return results, nil
	case o.OnError == OnErrorRaise:
		return nil, failed
	}
	return results, failed
}

// RunOnScheduler calls a registered function in the scheduler's process, which
// must be of the same program: a [LocalCluster] or a scheduler in a binary of yours. The
// function finds the scheduler with [CurrentScheduler].
func RunOnScheduler[R any](ctx context.Context, c *Client, f *Function[R], args ...any) (R, error) {
	var none R
	packed, err := f.pack(args)
	if err != nil {
		return none, err
	}
	o, err := c.core.RunOnScheduler(ctx, packed, true)
	if err != nil {
		return none, fmt.Errorf("gdask: run %q on the scheduler: %w", f.name, err)
	}
	return decoded[R](client.Answer{Result: o})
}

func decoded[R any](a client.Answer) (R, error) {
	var r R
	v, err := task.DecodeValue(a.Result, reflect.TypeFor[R]())
	if err == nil && v != nil {
		r, _ = v.(R)
	}
	return r, err
}

// pack is a call of the function as bytes.
func (f *Function[R]) pack(args []any) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	call, err := f.fn.NewCall(args...)
	if err != nil {
		return nil, err
	}
	if deps := call.Dependencies(nil); len(deps) > 0 {
		return nil, fmt.Errorf("gdask: function %q is called outside of tasks and takes no futures; gather them and pass their values", f.name)
	}
	return call.Pack()
}
