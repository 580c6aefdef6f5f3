package coord

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// driver makes events from bytes.
type driver struct {
	m    *Machine
	now  time.Time
	next Ticket
	open map[Ticket]bool
	seen []string          // tokens
	line map[Ticket]string // that callers wait in
	said strings.Builder
}

var fuzzOwners = []Owner{
	{Client: "A", Conn: 1, Host: "h"}, {Client: "B", Conn: 2, Host: "h"}, {Conn: 3, Host: "h"}, {Conn: 4, Host: "i"},
}

func (d *driver) caller(b byte) Caller {
	d.next++
	d.open[d.next] = true
	return Caller{Ticket: d.next, Owner: fuzzOwners[b%4], NoWait: b&64 != 0}
}

func (d *driver) event(op, a, b byte) Event {
	name := wire.StrKey(string(rune('x' + a%2)))
	key := wire.Key("")
	if b%3 > 0 {
		key = wire.StrKey(fmt.Sprint("k", b%3))
	}
	lease := fmt.Sprint("l", b%5)
	switch op % 28 {
	case 0:
		return QueueCreate{d.caller(b), name, int(a%4) - 1}
	case 1, 2, 3:
		return QueuePut{d.caller(b), name, Record{Key: key}}
	case 4, 5:
		return QueueGet{Caller: d.caller(b), Name: name, Batch: int(a>>4)%4 - 1, All: a&8 != 0}
	case 6:
		return QueueRelease{fuzzOwners[b%4], name}
	case 7:
		return FutureReceived{Client: "A", Name: name, Key: key}
	case 8:
		return QueueSize{d.caller(b), name}
	case 9:
		return VariableSet{d.caller(b), name, Record{Key: key}}
	case 10:
		return VariableGet{d.caller(b), name}
	case 11:
		return VariableDelete{name}
	case 12:
		if len(d.seen) > 0 {
			return VariableReceived{d.seen[int(a)%len(d.seen)]}
		}
		return VariableReceived{"none"}
	case 13:
		return SemaphoreRegister{d.caller(b), name, int(a%2) + 1, time.Duration(b%2) * 30 * time.Second}
	case 14, 15, 16:
		return SemaphoreAcquire{d.caller(b), name, lease}
	case 17:
		return SemaphoreRelease{d.caller(b), name, lease, a&8 != 0}
	case 18:
		return SemaphoreRefresh{d.caller(b), name, []string{lease, "l0"}}
	case 19:
		return SemaphoreClose{d.caller(b), name}
	case 20:
		return FlagSet{d.caller(b), name}
	case 21:
		return FlagClear{d.caller(b), name}
	case 22:
		return FlagWait{d.caller(b), name}
	case 23:
		return MultiAcquire{d.caller(b), []wire.Key{wire.IntKey(int64(a % 3)), wire.IntKey(int64(a >> 2 % 3)), wire.IntKey(7)}, lease, int(a >> 5)}
	case 24:
		return MultiRelease{d.caller(b), lease}
	case 25:
		t := Ticket(int(a)<<8+int(b)) % (d.next + 1)
		if a%2 == 0 {
			delete(d.open, t)
			return Leave{t}
		}
		return Expire{t}
	case 26:
		switch a % 3 {
		case 0:
			return ClientGone{fuzzOwners[b%2].Client, "h"}
		case 1:
			return WorkerGone{"h"}
		}
		return ConnEnded{fuzzOwners[2+b%2]}
	}
	d.now = d.now.Add(time.Duration(a) * time.Second)
	return Tick{}
}

// stand notes in which line the caller of an event may have to wait.
func (d *driver) stand(e Event) {
	switch e := e.(type) {
	case SemaphoreAcquire:
		d.line[e.Ticket] = "semaphore " + e.Name.String()
	case QueuePut:
		d.line[e.Ticket] = "room in " + e.Name.String()
	case QueueGet:
		d.line[e.Ticket] = "items of " + e.Name.String()
	}
}

// checkTurn: of those who wait in a line, nobody is served before who came first.
func (d *driver) checkTurn(t *testing.T, a Answer) {
	l := d.line[a.Ticket]
	if l == "" || !a.OK || a.Ticket == d.next { // who is served at once may have it already
		return
	}
	for o := range d.open {
		if o < a.Ticket && d.line[o] == l {
			t.Fatalf("ticket %d is served before %d, for %s", a.Ticket, o, l)
		}
	}
}

func (d *driver) take(t *testing.T) {
	out := d.m.Take()
	fmt.Fprintf(&d.said, "%+v\n", out)
	for _, a := range out.Answers {
		d.checkTurn(t, a)
		if !d.open[a.Ticket] {
			t.Fatalf("ticket %d is answered twice, or was never open: %+v", a.Ticket, a)
		}
		delete(d.open, a.Ticket)
		if a.Token != "" {
			d.seen = append(d.seen, a.Token)
		}
	}
}

// FuzzMachine: whatever is asked in whatever order, nobody is served twice or
// forgotten, nothing is overbooked, and nothing is left when all have gone.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 1, 4, 0, 2, 7, 0, 1, 6, 0, 0})
	f.Add([]byte{13, 0, 0, 14, 0, 0, 14, 0, 1, 26, 0, 0, 27, 200, 0, 17, 0, 1})
	f.Add([]byte{23, 100, 0, 23, 100, 1, 24, 0, 0, 23, 200, 2, 25, 1, 3, 26, 1, 0, 26, 2, 0})
	f.Add([]byte{10, 0, 0, 9, 0, 1, 12, 0, 0, 11, 0, 0, 22, 0, 0, 20, 0, 0, 21, 0, 0})
	f.Fuzz(run)
}

// TestRandomRequests drives the machine as the fuzzer does, from fixed seeds.
func TestRandomRequests(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		raw := make([]byte, 3*(1+r.IntN(200)))
		for i := range raw {
			raw[i] = byte(r.IntN(256))
		}
		run(t, raw)
	}
}

func run(t *testing.T, raw []byte) {
	if first := tell(t, raw); first != tell(t, raw) {
		t.Fatal("the same requests get other answers, or in another order")
	}
}

// tell drives the machine and returns all that it said.
func tell(t *testing.T, raw []byte) string {
	d := &driver{m: New(Config{}), now: time.Unix(1e9, 0), open: map[Ticket]bool{}, line: map[Ticket]string{}}
	for ; len(raw) >= 3; raw = raw[3:] {
		e := d.event(raw[0], raw[1], raw[2])
		d.stand(e)
		d.m.Apply(d.now, e)
		d.take(t)
		mustCheck(t, d.m)
		for ticket := range d.open {
			if d.m.waiting[ticket] == nil {
				t.Fatalf("ticket %d is neither answered nor waits", ticket)
			}
		}
	}
	d.end(t)
	return d.said.String()
}

// end has everybody leave and time pass.
func (d *driver) end(t *testing.T) {
	for _, o := range fuzzOwners {
		if o.Client != "" {
			d.m.Apply(d.now, ClientGone{Client: o.Client, Host: o.Host})
			continue
		}
		d.m.Apply(d.now, ConnEnded{o})
		d.m.Apply(d.now, WorkerGone{o.Host})
	}
	d.take(t)
	mustCheck(t, d.m)
	if len(d.open) > 0 {
		t.Fatalf("wait although all have gone: %v", d.open)
	}
	for _, name := range []wire.Key{wire.StrKey("x"), wire.StrKey("y")} {
		d.next += 3
		d.m.Apply(d.now, FlagClear{Caller{Ticket: d.next}, name})
		d.m.Apply(d.now, VariableDelete{name})
		if q := d.m.queues[name]; q != nil {
			d.m.Apply(d.now, QueueGet{Caller: Caller{Ticket: d.next + 1, Owner: Owner{Client: "Z"}}, Name: name, All: true})
		}
	}
	d.m.Apply(d.now, ClientGone{Client: "Z"})
	for range 3 {
		d.now = d.now.Add(time.Hour)
		d.m.Apply(d.now, Tick{})
	}
	if err := d.m.empty(); err != nil {
		t.Fatal(err)
	}
}
