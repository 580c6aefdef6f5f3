//go:build linux

package chaos

import (
	"context"
	"errors"
	"hash/fnv"
	"os"
	"runtime"
	"time"

	"github.com/gdask/gdask"
)

// The tasks. Any worker process of the gdask command has them.
var (
	work   = gdask.Func[Value]("gdask.chaos.work", runNode)
	starve = gdask.Func[bool]("gdask.chaos.starve", eat)
)

// Value is the result of a task. Sum depends on the task and on all its inputs,
// so that one wrong value anywhere changes all that follow.
type Value struct {
	Sum uint64
	Pad []byte
}

// Node says what one task does.
type Node struct {
	ID     int
	Size   int // bytes of its result beside Sum
	Millis int // that it sleeps
}

// runNode is the task: it takes its time and computes.
func runNode(ctx context.Context, n Node, inputs []Value) (Value, error) {
	if n.Millis > 0 {
		wait(ctx, time.Duration(n.Millis)*time.Millisecond)
	}
	return compute(n, inputs), context.Cause(ctx)
}

// compute is what the sequential run calls as well.
func compute(n Node, inputs []Value) Value {
	h := fnv.New64a()
	put := func(x uint64) {
		var b [8]byte
		for i := range b {
			b[i] = byte(x >> (8 * i))
		}
		_, _ = h.Write(b[:]) // never fails
	}
	put(uint64(n.ID))
	for _, v := range inputs {
		put(v.Sum)
		put(uint64(len(v.Pad)))
		_, _ = h.Write(v.Pad[:min(len(v.Pad), 64)])
	}
	v := Value{Sum: h.Sum64(), Pad: make([]byte, n.Size)}
	for i, x := 0, v.Sum; i < len(v.Pad); i++ {
		x = x*6364136223846793005 + 1442695040888963407
		v.Pad[i] = byte(x >> 56)
	}
	return v
}

// eat takes more memory than its worker may have. Only the run that finds the
// token does; the worker's end is expected, and the next run is harmless.
func eat(ctx context.Context, token string, bytes int) (bool, error) {
	if err := os.Remove(token); errors.Is(err, os.ErrNotExist) {
		return true, nil // an earlier run was killed for it
	} else if err != nil {
		return false, err
	}
	const step = 4 << 20
	var held [][]byte
	for n := 0; n < bytes && ctx.Err() == nil; n += step {
		b := make([]byte, step)
		for i := 0; i < step; i += 4096 {
			b[i] = 1 // resident, not only reserved
		}
		held = append(held, b)
	}
	wait(ctx, 10*time.Second)
	runtime.KeepAlive(held)
	return false, context.Cause(ctx) // nil when nobody minded
}
