package scheduler

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestInboxKeepsTheOrderOfEachPusher(t *testing.T) {
	b := newInbox()
	const pushers, each = 4, 1000
	var got [pushers][]int
	var wg sync.WaitGroup
	for p := range pushers {
		wg.Go(func() {
			for i := range each {
				b.push(item{fn: func() { got[p] = append(got[p], i) }})
			}
		})
	}
	go func() { wg.Wait(); b.close() }()
	var spare []item
	for {
		items, ok := b.take(spare)
		if !ok {
			break
		}
		for _, it := range items {
			it.fn()
		}
		spare = items
	}
	for p := range pushers {
		if len(got[p]) != each {
			t.Fatalf("pusher %d: %d items", p, len(got[p]))
		}
		for i, n := range got[p] {
			if n != i {
				t.Fatalf("pusher %d: item %d came at %d", p, n, i)
			}
		}
	}
	if b.push(item{}) {
		t.Error("a closed inbox takes items")
	}
}

func TestLoadSeesBusyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l loopLoad
		l.sample(time.Now())
		l.turn(100*time.Millisecond, 10)
		l.turn(25*time.Millisecond, 1)
		<-time.After(250 * time.Millisecond) // fake time
		l.sample(time.Now())
		if got := l.saturation.Load(); got != 500_000 {
			t.Errorf("saturation %d millionths, want half", got)
		}
		if l.longest.Load() != int64(100*time.Millisecond) || l.items.Load() != 11 {
			t.Errorf("longest %d, items %d", l.longest.Load(), l.items.Load())
		}
	})
}

func TestAStoppedSchedulerDoesNotBlameItsWorkers(t *testing.T) {
	s := start(t, func(set *Settings) { set.GDaskWorkerTTL = time.Minute })
	newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var left int
	err := s.loop.do(ctx, func() {
		l := s.loop
		l.now = l.now.Add(time.Hour) // as if the process had been stopped for an hour
		l.checkWorkers(time.Hour)
		left = len(l.workers)
		l.now = l.now.Add(2 * time.Minute)
		l.checkWorkers(tickInterval)
		left = left*10 + len(l.workers)
	})
	if err != nil || left != 10 {
		t.Fatalf("workers after the stop and after true silence: %d (%v), want 1 and 0", left, err)
	}
}

// BenchmarkNoop is the cost of a task in the shell and the machine together,
// with a client and a worker in this process that do next to nothing.
func BenchmarkNoop(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) { benchmarkNoop(b, workers) })
	}
}

func benchmarkNoop(b *testing.B, workers int) {
	b.Helper()
	s := start(b, func(set *Settings) {
		set.Listen = []string{"memory://"}
		set.State.Validate = false
	})
	for i := range workers {
		echoWorker(b, s, fmt.Sprint("memory://host/w", i))
	}
	c := dial(b, s)
	if err := c.Send(&wire.RegisterClient{Client: "c"}); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Recv(); err != nil {
		b.Fatal(err)
	}
	tasks, keys := make([]wire.TaskDef, b.N), make([]wire.Key, b.N)
	for i := range tasks {
		tasks[i] = noop(fmt.Sprint("noop-", i))
		keys[i] = tasks[i].Key
	}
	busy := s.Load().Busy
	b.ReportAllocs()
	b.ResetTimer()
	if err := c.SendBatch([]wire.Msg{&wire.UpdateGraph{Tasks: tasks, Keys: keys}}); err != nil {
		b.Fatal(err)
	}
	for done := 0; done < b.N; {
		in, err := c.Recv()
		if err != nil {
			b.Fatal(err)
		}
		done += len(in.Msgs)
	}
	b.StopTimer()
	b.ReportMetric(float64(s.Load().Busy-busy)/float64(b.N), "loop-ns/task")
}

// echoWorker finishes every task as soon as it hears of it.
func echoWorker(b *testing.B, s *Scheduler, address string) {
	b.Helper()
	c := dial(b, s)
	if err := c.Send(&wire.RegisterWorker{Address: address, Status: "running", NThreads: 1, Runtimes: []string{"go"}}); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Recv(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	b.Cleanup(func() { _ = c.Close(); <-ended })
	tiny := []wire.StartStop{{Action: "compute", Start: 1, Stop: 1.000001}}
	go func() {
		defer close(ended)
		for {
			in, err := c.Recv()
			if err != nil {
				return
			}
			out := make([]wire.Msg, 0, len(in.Msgs))
			for _, m := range in.Msgs {
				if m, ok := m.(*wire.ComputeTask); ok {
					f := finish(m)
					f.StartStops = tiny
					out = append(out, f)
				}
			}
			if len(out) > 0 && c.SendBatch(out) != nil {
				return
			}
		}
	}()
}
