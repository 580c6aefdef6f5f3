package simulate

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// oracle knows all tasks that were ever made up, and what must come of them.
type oracle struct {
	defs map[wire.Key]*def
	list []*def
}

// def is a task as its author knows it. A key always means the same task.
type def struct {
	key     wire.Key
	name    string
	deps    []*def
	data    bool // scattered, not computed
	task    wire.TaskDef
	program program
	value   uint64 // the right one
	nbytes  int64
	// mayFail and mayVanish say that it or one of its inputs may have no value:
	// because of a failure, or because data is lost that no task makes.
	mayFail, mayVanish bool
	unsendable         bool // no other worker can get its value
	given              bool // somebody gave it up for all: cancelled or restarted
	lent               bool // wanted by a client without what it is made of
	attempts           int  // runs begun
	deaths             int  // workers that were lost unexpectedly while they had it
	children           []*def
}

// program is what a task does when it runs.
type program struct {
	kind  kind
	times int // how often it does so before it does well
	takes time.Duration
}

type kind uint8

const (
	works       kind = iota
	fails            // whenever it runs
	flaky            // so often, then works
	reschedules      // so often, then works
	secedes          // and ends without a slot
	rejoins          // secedes, and ends in a slot again
	submits          // secedes, and waits for tasks of its own
	kills            // its worker, so often
	spoils           // works so often, and fails from then on
)

func newOracle() *oracle { return &oracle{defs: map[wire.Key]*def{}} }

// add completes a definition, whose inputs are known.
func (o *oracle) add(d *def) {
	d.key = wire.StrKey(d.name)
	d.value = seal(d.key)
	for _, in := range d.deps {
		d.value += mix(in.value)
		d.mayFail = d.mayFail || in.mayFail || in.unsendable
		d.mayVanish = d.mayVanish || in.mayVanish
	}
	d.value = mix(d.value)
	o.defs[d.key] = d
	o.list = append(o.list, d)
}

// seal is a number of a key's own.
func seal(k wire.Key) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(k) {
		h = (h ^ uint64(k[i])) * 0x100000001b3
	}
	return h
}

// mix spreads the bits of a number.
func mix(x uint64) uint64 {
	x ^= x >> 31
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>29
}

// compute is the value of a task for inputs, in any order.
func compute(k wire.Key, inputs []uint64) uint64 {
	v := seal(k)
	for _, in := range inputs {
		v += mix(in)
	}
	return mix(v)
}

// above says whether f holds for the task or for one of its inputs, and theirs.
func (d *def) above(f func(*def) bool) bool {
	seen := map[*def]bool{}
	open := []*def{d}
	for len(open) > 0 {
		x := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[x] {
			continue
		}
		seen[x] = true
		if f(x) {
			return true
		}
		open = append(open, x.deps...)
	}
	return false
}
