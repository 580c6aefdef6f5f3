package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// world drives a machine with fake workers that keep what they are told in
// mailboxes, and answer in any order between each other.
type world struct {
	t       *testing.T
	m       *Machine
	rng     *rand.Rand
	now     time.Time
	mail    map[string][]wire.Msg // to living workers, unread
	running map[string][]*wire.ComputeTask
	held    map[string]map[wire.Key]bool
	told    map[wire.Key]string // last word to the client
	next    int
	events  int
	errands map[int64]string // id to the worker that retires, or ""
	copies  int              // made at the machine's request
	dropped int
	retired int
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	c := DefaultConfig()
	c.Validate, c.FailFastGrace, c.WorkStealingInterval = true, time.Hour, 20*time.Millisecond
	w := &world{
		t: t, m: New(c), rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1e9, 0),
		mail: map[string][]wire.Msg{}, running: map[string][]*wire.ComputeTask{},
		held: map[string]map[wire.Key]bool{}, told: map[wire.Key]string{}, errands: map[int64]string{},
	}
	w.apply(AddClient{ID: "c"})
	return w
}

func (w *world) apply(e Event) {
	w.t.Helper()
	w.now = w.now.Add(time.Millisecond)
	w.events++
	w.m.Apply(w.now, e)
	out := w.m.Take()
	if len(out.Errors) > 0 {
		w.t.Fatalf("event %d, %#v: %q", w.events, e, out.Errors)
	}
	checkCopies(w.t, w.m, out)
	for _, m := range out.ToWorkers {
		if _, alive := w.held[m.Address]; alive {
			w.mail[m.Address] = append(w.mail[m.Address], m.Msg)
		}
	}
	for _, m := range out.ToClients {
		switch m := m.Msg.(type) {
		case *wire.KeyInMemory:
			w.told[m.Key] = "memory"
		case *wire.TaskErred:
			w.told[m.Key] = "erred"
		case *wire.CancelledKeys:
			for _, k := range m.Keys {
				w.told[k] = "cancelled"
			}
		case *wire.LostData:
			w.told[m.Key] = "lost"
		case *wire.TaskRetried:
			w.told[m.Key] = "retried"
		}
	}
	w.errandsDone(out.Done)
}

func (w *world) join() {
	w.next++
	a := fmt.Sprintf("tcp://w:%d", w.next)
	w.held[a] = map[wire.Key]bool{}
	w.apply(AddWorker{Address: a, NThreads: 1 + w.rng.IntN(3), Status: "running", Runtimes: []string{"go"}})
}

func (w *world) workers() []string {
	var as []string
	for a := range w.held {
		as = append(as, a)
	}
	slices.Sort(as)
	return as
}

func (w *world) leave(a string, expected bool) {
	delete(w.held, a)
	delete(w.mail, a)
	delete(w.running, a)
	w.apply(RemoveWorker{Address: a, Expected: expected})
}

// graph submits n tasks with random inputs among the earlier ones and the known.
func (w *world) graph(n int) {
	known := w.m.Keys()
	u := UpdateGraph{Client: "c"}
	for i := range n {
		w.next++
		d := wire.TaskDef{Key: wire.StrKey(fmt.Sprintf("t%d-%d", i%3, w.next)), Runtime: "go", RunSpec: wire.StringOpaque("x"), Order: int64(i)}
		if w.rng.IntN(5) == 0 {
			d.Retries = 1
		}
		for range w.rng.IntN(4) {
			if len(known) > 0 {
				d.Dependencies = append(d.Dependencies, known[w.rng.IntN(len(known))])
			}
		}
		known = append(known, d.Key)
		u.Tasks = append(u.Tasks, d)
		if w.rng.IntN(3) == 0 {
			u.Keys = append(u.Keys, d.Key)
		}
	}
	w.apply(u)
}

// read has one worker read one message.
func (w *world) read(a string) {
	if len(w.mail[a]) == 0 {
		return
	}
	m := w.mail[a][0]
	w.mail[a] = w.mail[a][1:]
	switch m := m.(type) {
	case *wire.ComputeTask:
		w.running[a] = append(w.running[a], m)
	case *wire.StealRequest:
		i := slices.IndexFunc(w.running[a], func(r *wire.ComputeTask) bool { return r.Key == m.Key })
		answer := &wire.StealResponse{Key: m.Key, StimulusID: m.StimulusID}
		switch {
		case w.held[a][m.Key]:
			answer.State = "memory"
		case i >= 0 && w.rng.IntN(3) == 0:
			answer.State = "executing"
		case i >= 0:
			answer.State = "ready"
			w.running[a] = slices.Delete(w.running[a], i, i+1)
		}
		w.apply(StealResponse{Worker: a, StealResponse: answer})
	case *wire.AcquireReplicas, *wire.RemoveReplicas:
		w.copyOrDrop(a, m)
	case *wire.WorkerStatusChange:
		w.apply(WorkerStatus{Address: a, Status: m.Status})
	case *wire.FreeKeys:
		for _, k := range m.Keys {
			w.running[a] = slices.DeleteFunc(w.running[a], func(r *wire.ComputeTask) bool { return r.Key == k })
			if w.held[a][k] {
				delete(w.held[a], k)
				w.apply(ReleaseWorkerData{Worker: a, ReleaseWorkerData: &wire.ReleaseWorkerData{Key: k}})
			}
		}
	}
}

// work ends one running task of a worker.
func (w *world) work(a string) {
	if len(w.running[a]) == 0 {
		return
	}
	i := w.rng.IntN(len(w.running[a]))
	r := w.running[a][i]
	w.running[a] = slices.Delete(w.running[a], i, i+1)
	switch w.rng.IntN(40) {
	case 0:
		w.apply(TaskErred{Worker: a, TaskErred: &wire.TaskErred{Key: r.Key, RunID: r.RunID, ExceptionText: "no"}})
	case 1:
		w.apply(Reschedule{Worker: a, Reschedule: &wire.Reschedule{Key: r.Key}})
	case 2:
		w.running[a] = append(w.running[a], r)
		w.apply(LongRunning{Worker: a, LongRunning: &wire.LongRunning{Key: r.Key, RunID: r.RunID, ComputeDuration: 1}})
	default:
		for _, d := range r.WhoHas { // fetched
			w.held[a][d.Key] = true
			w.apply(AddKeys{Worker: a, AddKeys: &wire.AddKeys{Keys: []wire.Key{d.Key}}})
		}
		w.held[a][r.Key] = true
		w.apply(TaskFinished{Worker: a, TaskFinished: &wire.TaskFinished{Key: r.Key, RunID: r.RunID, Nbytes: int64(w.rng.IntN(5000)),
			StartStops: []wire.StartStop{{Action: "compute", Start: 1, Stop: 1 + w.rng.Float64()/1000}}}})
	}
}

// step does something at random.
func (w *world) step() {
	as := w.workers()
	some := func(ks []wire.Key) []wire.Key {
		if len(ks) == 0 {
			return nil
		}
		i := w.rng.IntN(len(ks))
		return ks[i:min(len(ks), i+1+w.rng.IntN(3))]
	}
	n := w.rng.IntN(200)
	switch {
	case n < 3:
		w.graph(1 + w.rng.IntN(30))
	case n < 6:
		w.apply(ClientReleasesKeys{Client: "c", Keys: some(w.m.Wants("c"))})
	case n < 7:
		w.apply(CancelKeys{Client: "c", Keys: some(w.m.Wants("c")), Force: w.rng.IntN(2) == 0})
	case n < 8:
		w.apply(RetryKeys{Client: "c", Keys: some(w.m.Wants("c"))})
	case n < 9:
		w.apply(ClientDesiresKeys{Client: "c", Keys: some(w.m.Keys())})
	case n < 10 && len(as) > 1:
		w.leave(as[w.rng.IntN(len(as))], w.rng.IntN(2) == 0)
	case n < 11 && len(as) < 5:
		w.join()
	case n < 12 && len(as) > 0:
		a := as[w.rng.IntN(len(as))]
		w.apply(MissingData{Worker: a, Keys: some(w.m.HasWhat(a))})
	case n < 13 && len(as) > 0:
		status := []string{"paused", "running", "running"}[w.rng.IntN(3)]
		w.apply(WorkerStatus{Address: as[w.rng.IntN(len(as))], Status: status})
	case n < 14:
		w.next++
		k := wire.StrKey(fmt.Sprintf("data-%d", w.next))
		u := UpdateData{Client: "c", Nbytes: wire.KeySizes{{Key: k, Nbytes: 10}}}
		if len(as) > 0 {
			u.WhoHas = wire.KeyAddresses{{Key: k, Addresses: as[:1]}}
			w.held[as[0]][k] = true
		}
		w.apply(u)
	case n < 15:
		w.apply(Tick{})
	case n < 17:
		w.errand(as, some)
	case len(as) > 0:
		a := as[w.rng.IntN(len(as))]
		if n%2 == 0 {
			w.read(a)
		} else {
			w.work(a)
		}
	}
}

// finish lets everything come to an end with workers that are well.
func (w *world) finish() {
	w.join()
	for range 100_000 {
		idle := true
		for _, a := range w.workers() {
			w.apply(WorkerStatus{Address: a, Status: "running"})
			if len(w.mail[a])+len(w.running[a]) > 0 {
				idle = false
			}
			w.read(a)
			w.work(a)
		}
		if idle && len(w.errands) == 0 {
			return
		}
		if idle {
			w.now = w.now.Add(10 * time.Second)
			w.apply(Tick{})
		}
	}
	w.t.Fatal("the work does not end")
}

func TestRandomHistoriesKeepTheRulesAndEnd(t *testing.T) {
	requests, copies, dropped, retired := int64(0), 0, 0, 0
	for seed := range uint64(40) {
		w := newWorld(t, seed)
		w.join()
		for range 4000 {
			w.step()
		}
		w.finish()
		for _, k := range w.m.Wants("c") {
			s, _ := w.m.State(k)
			if s != Memory && s != Erred || w.told[k] != s.String() {
				t.Fatalf("seed %d: %v ends %v, the client was told %q", seed, k, s, w.told[k])
			}
		}
		for _, a := range w.workers() { // what is held is known, and the reverse
			for _, k := range w.m.HasWhat(a) {
				if !w.held[a][k] {
					t.Errorf("seed %d: %s is believed to hold %v", seed, a, k)
				}
			}
			if n := len(w.m.Processing(a)); n > 0 {
				t.Errorf("seed %d: %s still has %d tasks", seed, a, n)
			}
		}
		stealing := w.m.Stealing()
		for _, n := range stealing.Requests {
			requests += n
		}
		if stealing.InFlight > 0 {
			t.Errorf("seed %d: %d requests to steal have no answer", seed, stealing.InFlight)
		}
		copies, dropped, retired = copies+w.copies, dropped+w.dropped, retired+w.retired
		w.apply(RemoveClient{ID: "c"})
		if ks := w.m.Keys(); len(ks) > 0 {
			t.Fatalf("seed %d: %d tasks are left that nobody wants: %v", seed, len(ks), ks)
		}
	}
	if requests < 20 {
		t.Errorf("only %d requests to steal in all histories", requests)
	}
	if copies < 100 || dropped < 100 || retired < 20 {
		t.Errorf("only %d copies made, %d dropped and %d workers retired in all histories", copies, dropped, retired)
	}
}
