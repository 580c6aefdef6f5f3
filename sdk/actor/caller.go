package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

// Watch is how long a call may last before the scheduler is asked, again and
// again in this interval, whether the worker is still there: a frozen one never
// answers.
const Watch = 2 * time.Second

// settling is how long the scheduler is given to notice the end of a worker
// whose connection broke.
const settling = 5 * time.Second

// firstReach is how long a worker may take to be reached for the first time
// before calls go by way of the scheduler.
const firstReach = 3 * time.Second

// Caller calls the methods of actors from one process. It remembers which
// workers it can reach, so there should be one for all calls.
type Caller struct {
	// Pool makes the connections.
	Pool *wire.Pool
	// Scheduler is asked about lost workers, and passes calls on to workers that
	// cannot be reached from here.
	Scheduler string
	// Watch is the interval of package constant Watch, when not 0.
	Watch time.Duration

	reach sync.Map // addresses of workers to whether they can be reached
}

// Call is one call of a method, or with Attribute the reading of a field.
type Call struct {
	Ref       Ref
	Method    string
	Attribute bool
	Args      []wire.Opaque
	// Sig is the signature that the caller knows; 0 is not checked.
	Sig uint64
	// Chain are the actors whose methods wait for this call, outermost first.
	Chain []wire.Key
}

// Do makes a call and returns its encoded result. The error is a *CallError
// when the method failed, a *LostError when the actor is gone, or the end of
// ctx; of the last and of other errors nobody knows whether the method ran.
func (c *Caller) Do(ctx context.Context, call *Call) (wire.Opaque, error) {
	m := call.message()
	watched, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := c.watch(watched, cancel, &call.Ref)
	defer stop()
	address := call.Ref.Address
	if !c.reaches(watched, address) {
		address, m = c.Scheduler, call.proxied(m)
	}
	err := context.Cause(watched) // the actor's loss may have been noticed by now
	var o wire.Opaque
	if err == nil {
		o, err = c.Pool.CallOnce(watched, address, m)
	}
	if err != nil {
		if lost, ok := errors.AsType[*LostError](context.Cause(watched)); ok {
			return o, lost
		}
		return o, c.judge(ctx, call, err)
	}
	return call.result(o)
}

// reaches finds out, once for each worker, whether it can be reached from here:
// a call itself is made once only, since it may change the actor.
func (c *Caller) reaches(ctx context.Context, address string) bool {
	if known, ok := c.reach.Load(address); ok {
		return known == true
	}
	first, cancel := context.WithTimeout(ctx, firstReach)
	defer cancel()
	raw := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "op"), "identity")
	_, err := c.Pool.CallRaw(first, address, &wire.UnknownMsg{Name: "identity", Map: wire.Opaque{Raw: raw}})
	_, refused := errors.AsType[*wire.RemoteError](err)
	reached := err == nil || refused
	if reached || first.Err() != nil && ctx.Err() == nil || malformed(err) {
		c.reach.Store(address, reached)
	}
	return reached
}

// malformed says that the address means nothing here, such as one that is inside
// of another process.
func malformed(err error) bool {
	_, ok := errors.AsType[*comm.AddressError](err)
	return ok
}

// watch ends a call that takes long once the scheduler does not list the
// actor's worker any more.
func (c *Caller) watch(ctx context.Context, cancel context.CancelCauseFunc, r *Ref) (stop func() bool) {
	every := c.Watch
	if every <= 0 {
		every = Watch
	}
	done := make(chan struct{})
	t := time.AfterFunc(every, func() {
		defer close(done)
		for ctx.Err() == nil {
			if !c.lives(ctx, r) && ctx.Err() == nil {
				cancel(&LostError{Key: r.Key, Address: r.Address})
				return
			}
			pause(ctx, every)
		}
	})
	return func() bool {
		if t.Stop() {
			return true
		}
		cancel(nil)
		<-done
		return false
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// lives says whether the scheduler still knows the actor where the handle says.
// A scheduler that does not answer is no proof of the contrary.
func (c *Caller) lives(ctx context.Context, r *Ref) bool {
	raw := msgp.AppendMapHeader(nil, 2)
	raw = msgp.AppendString(msgp.AppendString(raw, "op"), "who_has")
	raw = msgp.AppendArrayHeader(msgp.AppendString(raw, "keys"), 1)
	raw = append(raw, r.Key...)
	var holders wire.KeyAddresses
	o, err := c.Pool.CallRaw(ctx, c.Scheduler, &wire.UnknownMsg{Name: "who_has", Map: wire.Opaque{Raw: raw}})
	if err == nil {
		o, err = plain(o)
	}
	if err == nil {
		_, err = holders.UnmarshalMsg(o.Raw)
	}
	if err != nil {
		return true
	}
	return slices.ContainsFunc(holders, func(h wire.KeyAddress) bool { return slices.Contains(h.Addresses, r.Address) })
}

// judge finds out what a failed call means for the actor.
func (c *Caller) judge(ctx context.Context, call *Call, err error) error {
	remote, answered := errors.AsType[*wire.RemoteError](err)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, wire.ErrPoolClosed):
		return err
	case answered && !strings.Contains(remote.ExceptionText, Stopping):
		return c.refused(ctx, call, remote)
	}
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for ctx.Err() == nil {
		if !c.lives(ctx, &call.Ref) && ctx.Err() == nil {
			return &LostError{Key: call.Ref.Key, Address: call.Ref.Address, Err: err}
		}
		pause(ctx, 50*time.Millisecond)
	}
	return fmt.Errorf("actor: the connection with %s ended during %s of %s, which may have run: %w",
		call.Ref.Address, call.Method, call.Ref.Key, err)
}

// refused is for answers of a worker or a scheduler that are no method's own:
// one who does not have the actor is another worker than the handle's.
func (c *Caller) refused(ctx context.Context, call *Call, err *wire.RemoteError) error {
	if !c.lives(ctx, &call.Ref) {
		return &LostError{Key: call.Ref.Key, Address: call.Ref.Address, Err: err}
	}
	return err
}
