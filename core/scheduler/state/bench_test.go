package state

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// tiny is the report of a run that took no time worth mentioning.
var tiny = []wire.StartStop{{Action: "compute", Start: 1, Stop: 1.000001}}

// BenchmarkNoop takes graphs of tasks that do nothing through the machine: one
// graph in, every task sent to a worker, finished and told to the client. A
// cost per task that grows with the size of the graph is a defect.
func BenchmarkNoop(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint("tasks=", n), func(b *testing.B) {
			var r noopRun
			for b.Loop() {
				b.StopTimer()
				one := newNoopRun(n)
				b.StartTimer()
				one.run()
				b.StopTimer()
				r.events += one.events
				r.heap = liveHeap() - one.heap
				runtime.KeepAlive(one)
				b.StartTimer()
			}
			per := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(n)
			b.ReportMetric(per, "ns/task")
			b.ReportMetric(float64(r.events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(r.heap)/float64(n), "held-B/task")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// noopRun takes one graph through a machine of its own.
type noopRun struct {
	m      *Machine
	now    time.Time
	graph  UpdateGraph
	todo   []ToWorker
	events int
	heap   int64
}

func newNoopRun(n int) *noopRun {
	r := &noopRun{m: New(DefaultConfig()), now: time.Unix(1e9, 0)}
	for i := range 2 {
		r.apply(AddWorker{Address: fmt.Sprint("tcp://w:", i), NThreads: 1, Status: "running", Runtimes: []string{"go"}})
	}
	r.graph = UpdateGraph{Client: "c", Tasks: make([]wire.TaskDef, n), Keys: make([]wire.Key, n)}
	for i := range n {
		k := wire.StrKey(fmt.Sprint("noop-", i))
		r.graph.Tasks[i] = wire.TaskDef{Key: k, Runtime: "go", RunSpec: wire.StringOpaque("noop"), Order: int64(i)}
		r.graph.Keys[i] = k
	}
	r.heap = liveHeap()
	return r
}

func (r *noopRun) apply(e Event) {
	r.events++
	r.now = r.now.Add(time.Microsecond)
	r.m.Apply(r.now, e)
	r.todo = append(r.todo, r.m.Take().ToWorkers...)
}

func (r *noopRun) run() {
	r.apply(r.graph)
	for len(r.todo) > 0 {
		batch := r.todo
		r.todo = nil
		for _, w := range batch {
			if c, ok := w.Msg.(*wire.ComputeTask); ok {
				r.apply(TaskFinished{Worker: w.Address, TaskFinished: &wire.TaskFinished{
					Key: c.Key, RunID: c.RunID, Status: "OK", Nbytes: 8, StartStops: tiny,
				}})
			}
		}
	}
}

func liveHeap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
