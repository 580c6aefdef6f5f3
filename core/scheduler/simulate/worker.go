package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// worker is a worker's machine with what a shell does around it.
type worker struct {
	w         *World
	address   string
	name      string
	m         *workertest.Machine
	exec      executor
	threads   int
	resources map[string]float64
	runtimes  []string
	python    bool // acknowledges what it frees, and ends with its connection
	ahead     int
	bandwidth float64
	status    string
	link      *link // of the session; nil while there is none
	joining   *link // registration under way
	calls     map[string]*call
	orders    map[int64][]float64 // priorities of runs
	claims    map[int64]wire.Resources
	inbox     []func() // what came while it is frozen
	burst     int      // events since the machine said what follows from them
	frozen    bool
	dead      bool
}

// start brings a new worker up after some time.
func (w *World) start(d time.Duration) *worker {
	i := len(w.workers)
	n := &worker{
		w: w, address: fmt.Sprintf("tcp://10.0.%d.%d:1", i%5, i), name: fmt.Sprintf("w%d", i),
		threads: 1 + w.rng.IntN(4), runtimes: []string{goRuntime}, python: w.chance(20), status: "init",
		ahead: w.rng.IntN(4), bandwidth: 1e6 * float64(1+w.rng.IntN(100)), calls: map[string]*call{},
		orders: map[int64][]float64{}, claims: map[int64]wire.Resources{},
	}
	if w.chance(40) {
		n.resources = map[string]float64{"GPU": float64(1 + w.rng.IntN(3)), "MEM": 20}
	}
	if w.chance(20) {
		n.runtimes = append(n.runtimes, "rare")
	}
	limits := workertest.MemoryLimits{}
	if w.chance(30) {
		limits.Target = int64(1000 + w.rng.IntN(30_000))
	}
	if w.mood.heavy {
		limits = heavyLimits()
		w.routinely(d+w.between(0, 100*time.Millisecond), n.watchMemory)
	}
	n.m = workertest.New(workertest.Config{
		Memory: limits, Address: n.address, NThreads: n.threads, Resources: n.resources, AckFree: n.python, Seed: uint64(i),
		MaxPeers: 1 + w.rng.IntN(8), BatchBytes: int64(1000 + w.rng.IntN(100_000)),
	})
	n.exec = executor{n: n, limit: n.threads}
	w.workers = append(w.workers, n)
	w.at[n.address] = n
	w.after(d, func() { n.post(n.join) })
	w.routinely(d, n.beat)
	return n
}

// post has the worker do something, now or when it thaws.
func (n *worker) post(do func()) {
	switch {
	case n.dead:
	case n.frozen:
		n.inbox = append(n.inbox, do)
	default:
		do()
		n.settle()
	}
}

// apply has the machine handle an event; settle follows.
func (n *worker) apply(e workertest.Event) {
	n.w.stats.Events++
	n.burst++
	n.w.note(n.name, " <", e)
	if err := n.m.Handle(e); err != nil {
		n.w.fail("", "worker %s: %v", n.name, err)
	}
}

// settle has the machine start what can start and does what it says.
func (n *worker) settle() {
	if n.dead {
		return
	}
	if n.w.chance(2) {
		n.apply(workertest.RunAhead{Tasks: n.w.rng.IntN(n.ahead + 1)})
	}
	n.m.Settle()
	out := n.m.Take()
	n.check()
	n.checkTurns(out.Execute)
	for _, k := range out.Cancel {
		n.exec.cancel(k)
	}
	for _, k := range out.Rejoined {
		n.exec.rejoined(k)
	}
	for _, t := range out.Execute {
		n.exec.submit(t)
	}
	alone := n.burst <= 1
	n.burst = 0
	for _, m := range out.Send {
		n.send(m, alone)
	}
	for _, g := range out.Gather {
		n.gather(g)
	}
	for _, s := range out.Spill {
		n.spill(s)
	}
	for _, t := range out.Timers {
		n.w.after(t.After, func() { n.post(func() { n.apply(t.Event) }) })
	}
	n.obey(out.Memory)
	n.exec.next()
}

// send tells the scheduler, if there is a session. What follows from one event
// alone must still be true.
func (n *worker) send(m wire.Msg, alone bool) {
	l := n.link
	if l == nil {
		return
	}
	run := runOf(m)
	for _, m := range n.w.Plant.fromWorker(n.w, n, m) {
		n.w.note(n.name, "> ", m)
		n.w.stats.Messages++
		if alone {
			n.checkReport(m)
		}
		l.send(&l.up, func() { n.w.sched.hear(l, n, m, run) })
	}
}

// join registers with the scheduler, with the values that the worker has.
func (n *worker) join() {
	if n.link != nil || n.joining != nil || n.status == "closing" {
		return
	}
	l := &link{w: n.w}
	n.joining = l
	e := state.AddWorker{
		Address: n.address, Name: n.name, Host: n.address[len("tcp://") : slices.Index([]byte(n.address[6:]), ':')+6],
		NThreads: n.threads, Resources: n.resources, Runtimes: n.runtimes, Status: n.status, Held: n.held(),
	}
	l.send(&l.up, func() { n.w.sched.register(n, l, e) })
}

func (n *worker) held() (r wire.KeySizes) {
	n.m.Each(func(t *workertest.Task) {
		if t.State == workertest.Memory {
			r = append(r, wire.KeySize{Key: t.Key, Nbytes: t.Nbytes})
		}
	})
	slices.SortFunc(r, func(a, b wire.KeySize) int { return cmp.Compare(a.Key, b.Key) })
	return r
}

// begin is the scheduler's word that the registration is accepted.
func (n *worker) begin(l *link) {
	n.post(func() {
		if n.joining != l {
			return
		}
		n.joining, n.link = nil, l
		if n.status == "init" {
			n.status = "running"
		}
		n.send(&wire.WorkerStatusChange{Status: n.status}, true)
	})
}

// lost is the end of a connection: the worker comes back with its data, unless
// it is of the kind that ends.
func (n *worker) lost(l *link) {
	if n.link != l && n.joining != l {
		return
	}
	began := n.link == l
	n.link, n.joining = nil, nil
	if n.status == "closing" || n.status == "closing_gracefully" || n.python && began {
		n.kill(false)
		n.w.start(n.w.between(0, time.Second))
		return
	}
	n.apply(workertest.Reset{})
	n.w.after(n.w.between(0, 500*time.Millisecond), func() { n.post(n.join) })
}
