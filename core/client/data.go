package client

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// CopiesError names results that something could not be done for: they are not
// in memory, or no worker could take them.
type CopiesError struct {
	Op   string // replicate or rebalance
	Keys []wire.Key
}

// Error names the first of the keys.
func (e *CopiesError) Error() string {
	names := make([]string, 0, 5)
	for _, k := range e.Keys[:min(len(e.Keys), 5)] {
		names = append(names, KeyText(k))
	}
	return fmt.Sprintf("client: %s: %d keys are not in memory or found no worker, first %s; wait for their futures and for running workers",
		e.Op, len(e.Keys), strings.Join(names, ", "))
}

// Replication says how many copies there shall be and where.
type Replication struct {
	N               int      // 0: one on every worker
	Workers         []string // by address, name or host; nil: all
	BranchingFactor int      // copies made from each one at a time; 0: 2
}

// Replicate sees to it that there are so many copies of each key, which the
// scheduler keeps from then on. It returns when they are there.
func (c *Client) Replicate(ctx context.Context, keys []wire.Key, r Replication) error {
	fields := []any{"keys", keys}
	if r.N != 0 {
		fields = append(fields, "n", r.N)
	}
	if r.Workers != nil {
		fields = append(fields, "workers", anySlice(r.Workers))
	}
	if r.BranchingFactor != 0 {
		fields = append(fields, "branching_factor", r.BranchingFactor)
	}
	o, err := c.call(ctx, "replicate", fields...)
	if err != nil {
		return err
	}
	return copied("replicate", o)
}

// Rebalance moves results from workers that use much memory to others; nil keys
// and workers mean all.
func (c *Client) Rebalance(ctx context.Context, keys []wire.Key, workers []string) error {
	var fields []any
	if keys != nil {
		fields = append(fields, "keys", keys)
	}
	if workers != nil {
		fields = append(fields, "workers", anySlice(workers))
	}
	o, err := c.call(ctx, "rebalance", fields...)
	if err != nil {
		return err
	}
	return copied("rebalance", o)
}

// copied reads an answer that names keys when its status is not OK.
func copied(op string, o wire.Opaque) error {
	if status, ok := o.Field("status"); !ok || status.Text() == "OK" {
		return nil
	}
	var keys wire.KeySet
	if f, ok := o.Field("keys"); ok {
		if _, err := keys.UnmarshalMsg(f.Raw); err != nil {
			return fmt.Errorf("client: the scheduler's answer to %s: %w", op, err)
		}
	}
	return &CopiesError{Op: op, Keys: keys}
}

// Retirement says which workers are to leave.
type Retirement struct {
	Workers []string // by address or name; nil: N of the scheduler's choice
	N       int
	// Close ends the workers' processes too.
	Close bool
	// Timeout is how long data may be moved and tasks may run; 0: the
	// scheduler's default of a minute.
	Timeout time.Duration
}

// Retired is what became of the workers.
type Retired struct {
	Gone []string          // addresses
	Kept map[string]string // why, by address: what they hold has nowhere to go
}

// RetireWorkers takes workers out of service without losing what they hold.
func (c *Client) RetireWorkers(ctx context.Context, r Retirement) (Retired, error) {
	fields := []any{"close_workers", r.Close, "report", true}
	if r.Workers != nil {
		fields = append(fields, "workers", anySlice(r.Workers))
	} else {
		fields = append(fields, "n", r.N)
	}
	if r.Timeout > 0 {
		fields = append(fields, "timeout", fmt.Sprintf("%.3f s", r.Timeout.Seconds()))
	}
	v, err := c.ask(ctx, "retire_workers", fields...)
	if err != nil {
		return Retired{}, err
	}
	m, _ := v.(map[string]any)
	out := Retired{Kept: map[string]string{}}
	gone, _ := m["retired"].(map[string]any)
	for a := range gone {
		out.Gone = append(out.Gone, a)
	}
	kept, _ := m["kept"].(map[string]any)
	for a, why := range kept {
		out.Kept[a], _ = why.(string)
	}
	return out, nil
}

// MemoryManager calls a method of the scheduler's active memory manager: start,
// stop, run_once or running. The last one answers.
func (c *Client) MemoryManager(ctx context.Context, method string) (bool, error) {
	o, err := c.call(ctx, "amm_handler", "method", method)
	if err != nil || o.IsNil() {
		return false, err
	}
	running, _, err := msgp.ReadBoolBytes(o.Raw)
	return running, err
}

// KeysOf are keys by worker address: what workers hold (op has_what) or are to
// run (op processing); nil workers mean all.
func (c *Client) KeysOf(ctx context.Context, op string, workers []string) (map[string][]wire.Key, error) {
	var fields []any
	if workers != nil {
		fields = append(fields, "workers", anySlice(workers))
	}
	o, err := c.call(ctx, op, fields...)
	if err != nil {
		return nil, err
	}
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	out := make(map[string][]wire.Key, min(n, 1<<16))
	for range n {
		var address string
		if address, b, err = msgp.ReadStringBytes(b); err != nil {
			break
		}
		var keys wire.KeySet
		if b, err = keys.UnmarshalMsg(b); err != nil {
			break
		}
		out[address] = keys
	}
	if err != nil {
		return nil, fmt.Errorf("client: the scheduler's answer to %s: %w", op, err)
	}
	return out, nil
}

// NThreads are the task slots by worker address.
func (c *Client) NThreads(ctx context.Context, workers []string) (map[string]int, error) {
	var fields []any
	if workers != nil {
		fields = append(fields, "workers", anySlice(workers))
	}
	v, err := c.ask(ctx, "ncores", fields...)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	out := make(map[string]int, len(m))
	for a, n := range m {
		out[a] = int(whole(n))
	}
	return out, nil
}

// NBytes are the sizes of results in memory; nil keys mean all.
func (c *Client) NBytes(ctx context.Context, keys []wire.Key) (wire.KeySizes, error) {
	fields := []any{"summary", false}
	if keys != nil {
		fields = append(fields, "keys", keys)
	}
	o, err := c.call(ctx, "nbytes", fields...)
	if err != nil {
		return nil, err
	}
	var sizes wire.KeySizes
	if _, err := sizes.UnmarshalMsg(o.Raw); err != nil {
		return nil, fmt.Errorf("client: the scheduler's answer to nbytes: %w", err)
	}
	return sizes, nil
}

// NBytesByPrefix adds the sizes of all results in memory up by task prefix.
func (c *Client) NBytesByPrefix(ctx context.Context) (map[string]int64, error) {
	v, err := c.ask(ctx, "nbytes", "summary", true)
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	out := make(map[string]int64, len(m))
	for p, n := range m {
		out[p] = whole(n)
	}
	return out, nil
}

func anySlice(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}
