package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// declared are the steps that a task may take: the table's, and those into
// states that have no step of their own there (memory, queued and no-worker,
// which only results and placement lead to).
var declared = map[[2]State]bool{
	{Released, Waiting}: true, {Released, Memory}: true, {Released, Erred}: true, {Released, Forgotten}: true,
	{Waiting, Released}: true, {Waiting, NoWorker}: true, {Waiting, Queued}: true, {Waiting, Processing}: true, {Waiting, Memory}: true,
	{NoWorker, Released}: true, {NoWorker, Queued}: true, {NoWorker, Processing}: true, {NoWorker, Memory}: true, {NoWorker, Erred}: true,
	{Queued, Released}: true, {Queued, Processing}: true, {Queued, Memory}: true, {Queued, Erred}: true,
	{Processing, Released}: true, {Processing, Memory}: true, {Processing, Erred}: true, {Processing, Processing}: true,
	{Memory, Released}: true, {Memory, Erred}: true, {Memory, Forgotten}: true,
	{Erred, Released}: true, {Erred, Forgotten}: true,
}

// transitionCases bring a task x to a state, and have one event take it on.
// The same events in the same order are what Dask's scheduler sees.
var transitionCases = []struct {
	name     string
	from, to State
	before   func(s *script)
	event    func(s *script)
}{
	{"released to waiting when wanted", Released, Waiting, nil, func(s *script) { s.submit("x", "x") }},
	{"released to waiting when a dependent is wanted", Released, Waiting, nil, func(s *script) { s.submit("y", "x", "y<-x") }},
	{"released to waiting when wanted again", Released, Waiting, func(s *script) {
		s.join("w")
		s.submit("y", "x", "y<-x")
		s.finish("w", "x")
		s.finish("w", "y")
		s.states("x released")
	}, func(s *script) { s.do(ClientDesiresKeys{Client: "c", Keys: ks("x")}) }},
	{"released to memory when scattered", Released, Memory, func(s *script) { s.join("w") }, func(s *script) { s.scatter("c", "w", "x") }},
	{"released to erred when an input is erred", Released, Erred, func(s *script) {
		s.join("w")
		s.submit("a", "a")
		s.fail("w", "a")
	}, func(s *script) { s.submit("x", "x<-a") }},
	{"released to forgotten when an input is unknown", Released, Forgotten, nil, func(s *script) { s.submit("x", "x<-nobody") }},
	{"released to forgotten when its dependents are", Released, Forgotten, func(s *script) {
		s.join("w")
		s.submit("y", "x", "y<-x")
		s.finish("w", "x")
		s.finish("w", "y")
	}, func(s *script) { s.release("y") }},

	{"waiting to released when unwanted", Waiting, Released, func(s *script) {
		s.submit("x", "a", "x<-a")
	}, func(s *script) { s.release("x") }},
	{"waiting to no-worker without workers", Waiting, NoWorker, nil, func(s *script) { s.submit("x", "x") }},
	{"waiting to queued when all slots are taken", Waiting, Queued, func(s *script) {
		s.join("w")
		s.submit("a", "a")
	}, func(s *script) { s.submit("x", "x") }},
	{"waiting to processing when inputs are in memory", Waiting, Processing, func(s *script) {
		s.join("w")
		s.submit("x", "a", "x<-a")
	}, func(s *script) { s.finish("w", "a") }},
	{"waiting to memory when a worker comes back with the result", Waiting, Memory, func(s *script) {
		s.join("w")
		s.submit("x", "a", "x<-a")
	}, func(s *script) { s.do(AddWorker{Address: "v", Status: "running", Held: held("x")}) }},

	{"no-worker to released when unwanted", NoWorker, Released, func(s *script) { s.submit("x a", "x", "a<-x") }, func(s *script) { s.release("x", "a") }},
	{"no-worker to queued when the new worker is full", NoWorker, Queued, func(s *script) { s.submit("a x", "a", "x") }, func(s *script) { s.join("w") }},
	{"no-worker to processing when a worker joins", NoWorker, Processing, func(s *script) { s.submit("x", "x") }, func(s *script) { s.join("w") }},
	{"no-worker to memory when a worker comes back with the result", NoWorker, Memory, func(s *script) { s.submit("x", "x") },
		func(s *script) { s.do(AddWorker{Address: "w", Status: "running", Held: held("x")}) }},
	{"no-worker to erred after no-workers-timeout", NoWorker, Erred, func(s *script) { s.submit("x", "x") }, func(s *script) { s.wait(2 * timeout) }},

	{"queued to released when unwanted", Queued, Released, full, func(s *script) { s.release("x") }},
	{"queued to processing when a slot opens", Queued, Processing, full, func(s *script) { s.finish("w", "a") }},
	{"queued to memory when a worker comes back with the result", Queued, Memory, full,
		func(s *script) { s.do(AddWorker{Address: "v", Status: "paused", Held: held("x")}) }},
	{"queued to erred after no-workers-timeout", Queued, Erred, func(s *script) {
		full(s)
		s.leave("w")
	}, func(s *script) { s.wait(2 * timeout) }},

	{"processing to released when unwanted", Processing, Released, runs, func(s *script) { s.release("x") }},
	{"processing to released when its worker is lost", Processing, Released, runs, func(s *script) { s.lose("w") }},
	{"processing to released when rescheduled", Processing, Released, runs, func(s *script) { s.reschedule("w", "x") }},
	{"processing to memory", Processing, Memory, runs, func(s *script) { s.finish("w", "x") }},
	{"processing to processing when stolen", Processing, Processing, func(s *script) {
		s.join("w", "v")
		s.submit("x", loosely(onWorker("x", "w")))
		s.status("w", "paused")
		s.wait(time.Second)
	}, func(s *script) { s.yields("w", "x", "ready") }},
	{"processing to erred", Processing, Erred, runs, func(s *script) { s.fail("w", "x") }},

	{"memory to released when only dependents refer to it", Memory, Released, func(s *script) {
		s.join("w")
		s.submit("x y", "x", "y<-x")
		s.finish("w", "x")
		s.finish("w", "y")
	}, func(s *script) { s.release("x") }},
	{"memory to released when its last copy is lost", Memory, Released, ends, func(s *script) { s.lose("w") }},
	{"memory to erred when an actor is lost", Memory, Erred, func(s *script) {
		s.join("w")
		s.submit("x", actorDef("x"))
		s.finish("w", "x")
	}, func(s *script) { s.lose("w") }},
	{"memory to forgotten when unwanted", Memory, Forgotten, ends, func(s *script) { s.release("x") }},

	{"erred to released when retried", Erred, Released, fails, func(s *script) { s.do(RetryKeys{Client: "c", Keys: ks("x")}) }},
	{"erred to forgotten when unwanted", Erred, Forgotten, fails, func(s *script) { s.release("x") }},
}

const timeout = 60 * 1e9 // of tasks without workers

func held(key string) wire.KeySizes { return wire.KeySizes{{Key: wire.StrKey(key), Nbytes: 8}} }

func actorDef(text string) wire.TaskDef {
	d := taskDef(text)
	d.Actor = true
	return d
}

func onWorker(text, worker string) wire.TaskDef {
	d := taskDef(text)
	d.Workers = []string{worker}
	return d
}

func loosely(d wire.TaskDef) wire.TaskDef {
	d.AllowOther = true
	return d
}

// runs, full, ends and fails are common beginnings.
func runs(s *script) {
	s.join("w")
	s.submit("x y", "x", "y<-x")
	s.release("y")
	s.states("x processing")
}

func full(s *script) {
	s.join("w")
	s.submit("a x", "a", "x")
	s.states("a processing", "x queued")
}

func ends(s *script) {
	s.join("w")
	s.submit("x", "x")
	s.finish("w", "x")
}

func fails(s *script) {
	s.join("w")
	s.submit("x", "x")
	s.fail("w", "x")
}

func TestEveryTransition(t *testing.T) {
	done := map[[2]State]bool{}
	for _, c := range transitionCases {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, func(c *Config) { c.NoWorkersTimeout, c.WorkerTTL = timeout, 0 })
			if c.before != nil {
				c.before(s)
			}
			if got, known := s.m.State(wire.StrKey("x")); known && got != c.from {
				t.Logf("x begins %v", got) // the event takes it to from first
			}
			c.event(s)
			for _, l := range s.last {
				if l.Key == wire.StrKey("x") && l.From == c.from && l.To == c.to {
					done[[2]State{c.from, c.to}] = true
					return
				}
			}
			t.Errorf("the event caused %v", s.last)
		})
	}
	for pair := range declared {
		if !done[pair] {
			t.Errorf("no case shows %v to %v", pair[0], pair[1])
		}
	}
}

func TestTheTableDeclaresNothingMore(t *testing.T) {
	for from, row := range newTable() {
		for to, step := range row {
			if step != nil && !declared[[2]State{State(from), State(to)}] {
				t.Errorf("the table has a step from %v to %v that no test declares", State(from), State(to))
			}
		}
	}
	if n := len(declared); n != 27 {
		t.Errorf("%d declared transitions; count them again when you add one", n)
	}
}
