package actor

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const home, sched = "tcp://home", "tcp://scheduler"

// net2 is a network of two hosts whose answers a test writes.
type net2 struct {
	t      *testing.T
	closed map[string]bool // hosts that cannot be reached
	answer map[string]func(o wire.Opaque) any

	mu    sync.Mutex
	asked []string // "host op"
	wg    sync.WaitGroup
}

func (n *net2) dial(ctx context.Context, address string) (net.Conn, error) {
	if n.closed[address] {
		<-ctx.Done()
		return nil, &comm.DialError{Address: address, Err: context.DeadlineExceeded}
	}
	here, there := net.Pipe()
	n.wg.Go(func() { n.serve(address, there) })
	return here, nil
}

func (n *net2) serve(address string, nc net.Conn) {
	c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		m, ok := in.Msgs[0].(*wire.UnknownMsg)
		if !ok {
			n.t.Errorf("a %T for %s", in.Msgs[0], address)
			return
		}
		n.mu.Lock()
		n.asked = append(n.asked, address+" "+m.Name)
		n.mu.Unlock()
		var reply any = map[string]any{}
		if f := n.answer[address+" "+m.Name]; f != nil {
			reply = f(m.Map)
		}
		if reply == nil { // it breaks
			return
		}
		if c.SendValue(reply) != nil {
			return
		}
	}
}

func (n *net2) caller() *Caller {
	return &Caller{Pool: wire.NewPool(n.dial, wire.Settings{}, 0), Scheduler: sched, Watch: time.Second}
}

var k = wire.StrKey("a")

func (n *net2) call(args ...wire.Opaque) (wire.Opaque, error) {
	c := n.caller()
	o, err := c.Do(n.t.Context(), &Call{Ref: Ref{Key: k, Address: home}, Method: "Add", Args: args, Sig: 5})
	_ = c.Pool.Close()
	n.wg.Wait()
	return o, err
}

func holders(addresses ...string) func(wire.Opaque) any {
	return func(wire.Opaque) any {
		raw, _ := wire.KeyAddresses{{Key: k, Addresses: addresses}}.MarshalMsg(nil)
		return wire.Opaque{Raw: raw}
	}
}

func okay(value int) wire.Opaque {
	o, _ := wire.OpaqueOf(map[string]any{"status": "OK", "result": value})
	return o
}

func TestCallAsDaskMakesIt(t *testing.T) {
	n := &net2{t: t}
	big, err := task.EncodeValue(make([]byte, task.FrameSize))
	if err != nil {
		t.Fatal(err)
	}
	n.answer = map[string]func(wire.Opaque) any{home + " actor_execute": func(o wire.Opaque) any {
		for name, want := range map[string]string{"actor": "\xa1a", "function": "\xa3Add", "kwargs": "\x80"} {
			if f, ok := o.Field(name); !ok || string(f.Raw) != want {
				t.Errorf("field %s is %q", name, f.Raw)
			}
		}
		args, _ := o.Field("args")
		if len(args.Frames) != 2 || len(args.Frames[1]) != task.FrameSize {
			t.Errorf("arguments: %q, %d frames", args.Raw, len(args.Frames))
		}
		return okay(7)
	}}
	o, err := n.call(wire.StringOpaque("x"), big)
	if i, _, rerr := msgp.ReadIntBytes(o.Raw); err != nil || rerr != nil || i != 7 {
		t.Errorf("%q, %v", o.Raw, err)
	}
}

func TestUnreachableWorkersAreCalledByTheScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &net2{t: t, closed: map[string]bool{home: true}}
		n.answer = map[string]func(wire.Opaque) any{
			sched + " who_has": holders(home),
			sched + " proxy": func(o wire.Opaque) any {
				to, _ := o.Field("worker")
				m, _ := o.Field("msg")
				op, _ := m.Field("op")
				if to.Text() != home || op.Text() != "actor_execute" {
					t.Errorf("passes %s on to %s", op.Text(), to.Text())
				}
				return okay(8)
			},
		}
		o, err := n.call()
		if i, _, rerr := msgp.ReadIntBytes(o.Raw); err != nil || rerr != nil || i != 8 {
			t.Errorf("%q, %v", o.Raw, err)
		}
	})
}

func TestLostWorkers(t *testing.T) {
	for name, n := range map[string]*net2{
		"frozen": {answer: map[string]func(wire.Opaque) any{
			home + " actor_execute": func(wire.Opaque) any { <-time.After(time.Hour); return nil },
		}},
		"ended":    {answer: map[string]func(wire.Opaque) any{home + " actor_execute": func(wire.Opaque) any { return nil }}},
		"another":  {answer: map[string]func(wire.Opaque) any{home + " actor_execute": failure("no actor a lives here")}},
		"stopping": {answer: map[string]func(wire.Opaque) any{home + " actor_execute": failure(Stopping)}},
		"away":     {closed: map[string]bool{home: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n.t = t
				if n.answer == nil {
					n.answer = map[string]func(wire.Opaque) any{}
				}
				n.answer[sched+" who_has"] = holders("tcp://elsewhere")
				_, err := n.call()
				if lost, ok := errors.AsType[*LostError](err); !ok || lost.Key != k || lost.Address != home {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

func failure(text string) func(wire.Opaque) any {
	return func(wire.Opaque) any { return wire.FailureOf(errors.New(text)) }
}

// A call is never made twice: of one whose connection broke nobody knows whether
// it was made.
func TestABrokenCallIsNotMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &net2{t: t, answer: map[string]func(wire.Opaque) any{
			home + " actor_execute": func(wire.Opaque) any { return nil },
			sched + " who_has":      holders(home),
		}}
		_, err := n.call()
		if err == nil || !strings.Contains(err.Error(), "may have run") {
			t.Errorf("%v", err)
		}
		calls := 0
		for _, a := range n.asked {
			if a == home+" actor_execute" {
				calls++
			}
		}
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}
