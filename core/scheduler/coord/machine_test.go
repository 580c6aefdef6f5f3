package coord

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// world is a machine with a clock, whose answers are kept.
type world struct {
	t       *testing.T
	m       *Machine
	now     time.Time
	next    Ticket
	answers map[Ticket]Answer
	wishes  []Wish
}

func newWorld(t *testing.T) *world {
	return &world{t: t, m: New(Config{}), now: time.Unix(1e9, 0), answers: map[Ticket]Answer{}}
}

var (
	ann = Owner{Client: "ann", Conn: 1, Host: "h"}
	bob = Owner{Client: "bob", Conn: 2, Host: "h"}
	eve = Owner{Conn: 3, Host: "h"} // of a peer that does not say who it is
	x   = wire.StrKey("x")
)

// by is a new caller.
func (w *world) by(o Owner) Caller {
	w.next++
	return Caller{Ticket: w.next, Owner: o}
}

// do applies an event and returns the ticket of the latest caller.
func (w *world) do(e Event) Ticket {
	w.t.Helper()
	w.m.Apply(w.now, e)
	o := w.m.Take()
	for _, a := range o.Answers {
		w.answers[a.Ticket] = a
	}
	w.wishes = append(w.wishes, o.Wishes...)
	mustCheck(w.t, w.m)
	return w.next
}

func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.do(Tick{})
}

// state is "ok", "late", "waits" or the class of the refusal.
func (w *world) state(t Ticket) string {
	a, ok := w.answers[t]
	switch {
	case !ok:
		return "waits"
	case a.Err != nil:
		return a.Err.Class
	case a.Late:
		return "late"
	case a.OK:
		return "ok"
	}
	return "no"
}

func (w *world) want(t Ticket, want string) {
	w.t.Helper()
	if got := w.state(t); got != want {
		w.t.Errorf("ticket %d: %s, want %s (%v)", t, got, want, w.answers[t].Err)
	}
}

func value(i int) Record { return Record{Value: wire.Opaque{Raw: []byte{byte(i)}}} }

func (w *world) got(t Ticket, want ...Record) {
	w.t.Helper()
	if got := w.answers[t].Records; fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("got %v, want %v", got, want)
	}
}

func TestQueueIsFair(t *testing.T) {
	w := newWorld(t)
	w.do(QueueCreate{w.by(ann), x, 2})
	first := w.do(QueueGet{Caller: w.by(ann), Name: x})
	second := w.do(QueueGet{Caller: w.by(bob), Name: x, Batch: 2})
	for i := range 5 {
		w.want(w.do(QueuePut{w.by(ann), x, value(i)}), "ok")
	}
	w.got(first, value(0))
	w.got(second, value(1), value(2))
	full := w.do(QueuePut{w.by(bob), x, value(5)})
	w.want(full, "waits")
	w.got(w.do(QueueGet{Caller: w.by(ann), Name: x, All: true}), value(3), value(4), value(5))
	w.want(full, "ok")
	w.got(w.do(QueueGet{Caller: w.by(ann), Name: x, All: true}))
}

func TestQueueWithoutLimit(t *testing.T) {
	for _, limit := range []int{0, -1} {
		w := newWorld(t)
		w.do(QueueCreate{w.by(ann), x, limit})
		for i := range 100 {
			w.want(w.do(QueuePut{w.by(ann), x, value(i)}), "ok")
		}
		if n := w.answers[w.do(QueueSize{w.by(ann), x})].N; n != 100 {
			t.Errorf("limit %d: %d items", limit, n)
		}
	}
}

func TestQueueWaitsEnd(t *testing.T) {
	w := newWorld(t)
	w.want(w.do(QueueGet{Caller: w.by(ann), Name: x}), "KeyError")
	w.do(QueueCreate{w.by(ann), x, 1})
	late := w.do(QueueGet{Caller: w.by(ann), Name: x, Batch: 2})
	w.do(QueuePut{w.by(ann), x, value(1)})
	w.do(Expire{late})
	w.want(late, "late")
	gone := w.do(QueueGet{Caller: w.by(bob), Name: x, Batch: 3}) // takes the item that came back
	w.do(ClientGone{Client: "bob"})
	w.want(gone, "RuntimeError")
	blocked := w.do(QueuePut{w.by(eve), x, value(2)})
	w.want(blocked, "waits")
	c := w.by(eve)
	c.NoWait = true
	w.want(w.do(QueuePut{c, x, value(3)}), "late")
	w.do(QueueRelease{ann, x})
	w.want(blocked, "RuntimeError")
	w.want(w.do(QueueSize{w.by(ann), x}), "KeyError")
}

func TestUndeliveredItemsComeFirstAgain(t *testing.T) {
	w := newWorld(t)
	w.do(QueueCreate{w.by(ann), x, 0})
	k := Record{Key: wire.StrKey("k")}
	w.do(QueuePut{w.by(ann), x, k})
	w.do(QueuePut{w.by(ann), x, value(2)})
	w.got(w.do(QueueGet{Caller: w.by(bob), Name: x}), k)
	w.do(QueueReturn{bob, x, []Record{k}})
	w.got(w.do(QueueGet{Caller: w.by(ann), Name: x, All: true}), k, value(2))
}

// TestFuturesStayAlive: a future in a queue or variable is wished for until the
// getter has its own wish, or is gone.
func TestFuturesStayAlive(t *testing.T) {
	k := wire.StrKey("k")
	on, off := Wish{"queue-x", k, true}, Wish{"queue-x", k, false}
	for name, c := range map[string]struct{ end Event }{
		"confirmed":   {FutureReceived{"bob", x, k}},
		"getter died": {ClientGone{Client: "bob"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.do(QueueCreate{w.by(ann), x, 0})
			w.do(QueuePut{w.by(ann), x, Record{Key: k}})
			w.do(QueueGet{Caller: w.by(bob), Name: x})
			if !slices.Equal(w.wishes, []Wish{on}) {
				t.Fatalf("before: %v", w.wishes)
			}
			w.do(c.end)
			if !slices.Equal(w.wishes, []Wish{on, off, {Client: "queue-x"}}) {
				t.Fatalf("after: %v", w.wishes)
			}
		})
	}
	w := newWorld(t)
	w.do(QueueCreate{w.by(eve), x, 0})
	w.do(QueuePut{w.by(eve), x, Record{Key: k}})
	w.do(QueueRelease{ann, x}) // over the stream, which has a name
	if !slices.Equal(w.wishes, []Wish{on, off, {Client: "queue-x"}}) {
		t.Fatalf("closed: %v", w.wishes)
	}
}

func TestVariable(t *testing.T) {
	w := newWorld(t)
	k, l := wire.StrKey("k"), wire.StrKey("l")
	waiting := w.do(VariableGet{w.by(ann), x})
	late := w.do(VariableGet{w.by(bob), x})
	w.do(Expire{late})
	w.want(late, "late")
	w.do(VariableSet{w.by(bob), x, Record{Key: k}})
	w.got(waiting, Record{Key: k})
	w.do(VariableSet{w.by(bob), x, Record{Key: l}}) // ann has not confirmed k
	if slices.Contains(w.wishes, Wish{"variable-x", k, false}) {
		t.Fatal("the future was let go of before its getter had it")
	}
	w.do(VariableReceived{w.answers[waiting].Token})
	if !slices.Contains(w.wishes, Wish{"variable-x", k, false}) {
		t.Fatal("the future was not let go of")
	}
	again := w.do(VariableGet{w.by(ann), x})
	w.do(VariableDelete{x})
	w.do(ClientGone{Client: "ann"}) // without confirming
	w.got(again, Record{Key: l})
	if last := w.wishes[len(w.wishes)-1]; last != (Wish{Client: "variable-x"}) {
		t.Fatalf("last wish %v", last)
	}
	if len(w.m.variables) > 0 {
		t.Error("the variable is still there")
	}
}

func TestEvent(t *testing.T) {
	w := newWorld(t)
	first, late := w.do(FlagWait{w.by(ann), x}), w.do(FlagWait{w.by(bob), x})
	w.do(Expire{late})
	w.want(late, "late")
	w.want(w.do(FlagIsSet{w.by(ann), x}), "no")
	w.do(FlagSet{w.by(bob), x})
	w.want(first, "ok")
	w.want(w.do(FlagIsSet{w.by(ann), x}), "ok")
	w.want(w.do(FlagWait{w.by(ann), x}), "ok")
	w.do(FlagClear{w.by(ann), x})
	if err := w.m.empty(); err != nil {
		t.Error(err)
	}
}
