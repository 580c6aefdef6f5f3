package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// Restart forgets all tasks, cancels all clients' futures and starts all workers
// anew. The scheduler gives up after timeout; wait says that the new workers are awaited.
func (c *Client) Restart(ctx context.Context, timeout time.Duration, wait bool) error {
	_, err := c.call(ctx, "restart", "timeout", timeout.Seconds(), "wait_for_workers", wait,
		"client", c.id, "stimulus_id", "client-restart")
	return err
}

// RestartWorkers starts the workers with these addresses or names anew and tells
// what became of each: OK, removed (it has no nanny) or timed out.
func (c *Client) RestartWorkers(ctx context.Context, workers []string, timeout time.Duration) (map[string]string, error) {
	addresses, err := c.addressesOf(ctx, workers)
	if err != nil {
		return nil, err
	}
	o, err := c.call(ctx, "restart_workers", "workers", addresses, "timeout", timeout.Seconds(), "on_error", "return",
		"client", c.id, "stimulus_id", "client-restart-workers")
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(workers))
	for i, w := range workers {
		status, _ := o.Field(addresses[i])
		out[w] = status.Text()
	}
	return out, nil
}

// addressesOf turns names of workers into addresses; unknown ones are an error.
func (c *Client) addressesOf(ctx context.Context, workers []string) ([]string, error) {
	info, err := c.SchedulerInfo(ctx)
	if err != nil {
		return nil, err
	}
	known, _ := info["workers"].(map[string]any)
	byName := make(map[string]string, 2*len(known))
	for address, w := range known {
		m, _ := w.(map[string]any)
		byName[fmt.Sprint(m["name"])], byName[address] = address, address
	}
	addresses := make([]string, len(workers))
	for i, w := range workers {
		if addresses[i] = byName[w]; addresses[i] == "" {
			return nil, fmt.Errorf("client: no worker %q; the scheduler knows %d workers, see SchedulerInfo", w, len(known))
		}
	}
	return addresses, nil
}

// Answer is what one worker, nanny or scheduler said to a call.
type Answer struct {
	Result wire.Opaque
	Err    error // a *RunError when the function failed there
}

// RunError is the failure of a function that ran out of band.
type RunError struct {
	Where string // address of the worker, or of the scheduler
	Text  string
	Stack string // of its panic; "" none
}

// Error implements error.
func (e *RunError) Error() string { return e.Where + ": " + e.Text }

// Broadcast has workers (nil: all), or their nannies, run a packed call and tells
// what each said, by the worker's address. Without wait nobody says more than that it has begun.
func (c *Client) Broadcast(ctx context.Context, packed []byte, workers []string, nanny, wait bool) (map[string]Answer, error) {
	msg, err := request("run", hook.CallField, packed, "wait", wait)
	if err != nil {
		return nil, err
	}
	u, _ := msg.(*wire.UnknownMsg)
	fields := []any{"msg", u.Map, "nanny", nanny, "on_error", "return_text"}
	if workers != nil {
		addresses, err := c.addressesOf(ctx, workers)
		if err != nil {
			return nil, err
		}
		fields = append(fields, "workers", addresses)
	}
	o, err := c.callOnce(ctx, "broadcast", fields...)
	if err != nil {
		return nil, err
	}
	answers := map[string]Answer{}
	err = o.Each(func(address string, said wire.Opaque) { answers[address] = answerOf(address, said) })
	return answers, err
}

// RunOnScheduler has the scheduler run a packed call.
func (c *Client) RunOnScheduler(ctx context.Context, packed []byte, wait bool) (wire.Opaque, error) {
	o, err := c.call(ctx, "run_function", hook.CallField, packed, "wait", wait)
	if err != nil {
		return wire.Opaque{}, err
	}
	a := answerOf(c.address, o)
	return a.Result, a.Err
}

func answerOf(where string, o wire.Opaque) Answer {
	status, _ := o.Field("status")
	if status.Text() == "OK" {
		result, _ := o.Field("result")
		return Answer{Result: result}
	}
	text, _ := o.Field("exception_text")
	stack, _ := o.Field("traceback_text")
	e := &RunError{Where: where, Text: text.Text(), Stack: stack.Text()}
	if e.Text == "" {
		e.Text = "answered with neither a result nor a failure"
	}
	return Answer{Err: e}
}

// Plugin is what is to be installed.
type Plugin struct {
	Kind       string // worker, nanny or scheduler
	Name       string
	Packed     []byte // call of its constructor
	Idempotent bool   // one of the name that is there stays
}

// RegisterPlugin installs a plugin where it belongs, now and in those that come
// later. The error joins what went wrong on each of them.
func (c *Client) RegisterPlugin(ctx context.Context, p Plugin) error {
	o, err := c.call(ctx, "register_"+p.Kind+"_plugin", "name", p.Name, hook.PluginField, p.Packed, "idempotent", p.Idempotent)
	if err != nil {
		return err
	}
	return failures(o)
}

// UnregisterPlugin takes a plugin away everywhere.
func (c *Client) UnregisterPlugin(ctx context.Context, kind, name string) error {
	o, err := c.call(ctx, "unregister_"+kind+"_plugin", "name", name, "gdask", true)
	if err != nil {
		return err
	}
	return failures(o)
}

// failures joins the failures among answers by address.
func failures(o wire.Opaque) error {
	if msgp.NextType(o.Raw) != msgp.MapType {
		return nil
	}
	var errs []error
	err := o.Each(func(address string, said wire.Opaque) {
		if status, _ := said.Field("status"); status.Text() != "OK" {
			errs = append(errs, answerOf(address, said).Err)
		}
	})
	return errors.Join(append(errs, err)...)
}
