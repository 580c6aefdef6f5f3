package gdask

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// runs counts the runs of each task of the function countRun.
var runs sync.Map

var countRun = Func[int]("test.countRun", func(x int) int {
	n, _ := runs.LoadOrStore(x, new(atomic.Int32))
	n.(*atomic.Int32).Add(1)
	return x
})

// A client whose connection breaks, with what it said on its way, resumes: no
// task is lost and none runs twice.
func TestClientResumesAfterALostConnection(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["threads"]
	o.Protocol = "tcp"
	lc, err := NewLocalCluster(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lc.Close() }()
	p := newLossProxy(t, lc.SchedulerAddress())
	c, err := NewClient(ctx, p.address(), ClientOptions{NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	runs.Clear()
	const n, rounds = 300, 6
	var fs []*Future[int]
	for round := range rounds {
		if round == rounds/2 {
			p.swallow() // from here on nothing arrives
		}
		xs := make([]int, n)
		for i := range xs {
			xs[i] = round*n + i
		}
		fs = append(fs, countRun.Map(c, xs)...)
	}
	p.cut()
	got, err := Gather(ctx, fs)
	checkAll(t, got, err)
	for x := range n * rounds {
		if k, ok := runs.Load(x); !ok || k.(*atomic.Int32).Load() != 1 {
			t.Fatalf("task %d did not run exactly once", x)
		}
	}
}

// A client that cannot come back ends with a typed error, within its grace.
func TestClientThatCannotComeBack(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["threads"]
	o.Protocol = "tcp"
	lc, err := NewLocalCluster(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lc.Close() }()
	p := newLossProxy(t, lc.SchedulerAddress())
	c, err := NewClient(ctx, p.address(), ClientOptions{NotDefault: true, Grace: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	p.swallow()
	f := inc.Submit(c, 1)
	_ = p.l.Close()
	p.cut()
	var ce *ConnectionError
	if _, err := f.Result(ctx); !errors.As(err, &ce) {
		t.Errorf("it ends with %v", err)
	}
}

var nonce = Func[string]("test.nonce", func(int) string { return rand.Text() })

// A worker process that loses the scheduler comes back with its results: they
// are not made again.
func TestWorkerComesBackWithItsResults(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["processes"]
	o.NWorkers = new(0)
	c := newClient(t, ctx, o)
	lc := c.Cluster().(*LocalCluster)
	p := newLossProxy(t, lc.SchedulerAddress())
	w, err := lc.host.StartWorker(ctx, ClassSubprocess, false, worker.StartOptions{Scheduler: p.address(), Name: "far", NThreads: 1})
	if err != nil {
		t.Fatal(err)
	}
	fs := nonce.With(Options{Impure: true}).Map(c, repeat(0, 20))
	first, err := Gather(ctx, fs)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.cut()
		if _, err := inc.With(Options{Impure: true}).Submit(c, 1).Result(ctx); err != nil { // it is back
			t.Fatal(err)
		}
	}
	second, err := Gather(ctx, fs)
	if err != nil || !slices.Equal(first, second) {
		t.Errorf("results were made again: %v", err)
	}
	if err := w.Stop(ctx, "the test is over"); err != nil {
		t.Error(err)
	}
}
