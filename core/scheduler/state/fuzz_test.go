package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// history reads events from bytes. Names come from small sets, so that bytes
// often speak of the same keys, workers and clients: right, late or absurd.
type history struct {
	data    []byte
	m       *Machine
	runs    []*wire.ComputeTask // all assignments so far
	begs    []ToWorker          // all requests to give tasks up
	fetches []ToWorker          // all requests to fetch copies
	id      int64
	done    map[int64]bool
	now     time.Time
}

func (h *history) byte() byte {
	if len(h.data) == 0 {
		return 0
	}
	b := h.data[0]
	h.data = h.data[1:]
	return b
}

func (h *history) pick(n int) int { return int(h.byte()) % n }

// key has one of several shapes.
func (h *history) key() wire.Key {
	n := h.pick(12)
	if n%4 == 3 {
		return wire.TupleKey(wire.StrKey("t-0a"), wire.IntKey(int64(n)))
	}
	return wire.StrKey(fmt.Sprintf("%c-%d", 'a'+n%3, n))
}

func (h *history) keys() []wire.Key {
	r := make([]wire.Key, h.pick(4))
	for i := range r {
		r[i] = h.key()
	}
	return r
}

func (h *history) worker() string { return fmt.Sprint("w", h.pick(4)) }

func (h *history) client() string {
	return []string{"c", "d", fireAndForget, ""}[h.pick(4)]
}

func (h *history) float() float64 {
	return []float64{0, 1e-5, 1e-4, 1, 100, nan, inf, -inf, -1, 1e300}[h.pick(10)]
}

func (h *history) amount() float64 { return []float64{1, 2, 0.5, 0, -1, nan, inf}[h.pick(7)] }

func (h *history) size() int64 {
	return []int64{0, 1, 100, 1 << 20, 1 << 28, -1, 1 << 62, -1 << 62}[h.pick(8)]
}

func (h *history) status() string {
	return []string{"running", "running", "paused", "init", "closing_gracefully"}[h.pick(5)]
}

// run is a number and a key of an assignment that was made, mostly.
func (h *history) run() (key wire.Key, run int64, worker string) {
	worker = h.worker()
	if n := len(h.runs); n > 0 && h.pick(5) > 0 {
		r := h.runs[n-1-h.pick(min(n, 8))]
		if i, _ := h.m.Task(r.Key); i.ProcessingOn != "" && h.pick(6) > 0 {
			worker = i.ProcessingOn
		}
		return r.Key, r.RunID, worker
	}
	return h.key(), int64(h.pick(5)), worker
}

func (h *history) def() wire.TaskDef {
	d := wire.TaskDef{Key: h.key(), RunSpec: wire.StringOpaque("f"), Dependencies: h.keys(), Order: int64(h.pick(8))}
	switch h.pick(12) {
	case 0:
		d.Retries = 1
	case 1:
		d.Workers = []string{h.worker()}
	case 2:
		d.Workers, d.AllowOther = []string{h.worker()}, true
	case 3:
		d.Resources = wire.Resources{"GPU": h.amount()}
	case 4:
		d.Runtime = "go"
	case 5:
		d.Actor = true
	case 6:
		d.Priority = h.float()
	}
	return d
}

func (h *history) submit() Event {
	u := UpdateGraph{Client: h.client(), FifoTimeout: time.Duration(h.pick(3)) * time.Second}
	for range 1 + h.pick(6) {
		u.Tasks = append(u.Tasks, h.def())
	}
	u.Keys = append(h.keys(), u.Tasks[len(u.Tasks)-1].Key)
	if h.pick(4) == 0 {
		u.SubmittingTask = h.key()
	}
	return u
}

func (h *history) joining() Event {
	a := AddWorker{Address: h.worker(), NThreads: h.pick(4), Status: h.status(), Pid: h.pick(3)}
	for _, k := range h.keys() {
		a.Held = append(a.Held, wire.KeySize{Key: k, Nbytes: h.size()})
	}
	switch h.pick(6) {
	case 0:
		a.Runtimes = []string{"go", "python"}
	case 1:
		a.Resources = map[string]float64{"GPU": h.amount()}
	case 2:
		a.MemoryLimit = 1000
	case 3:
		a.Name = "name"
	}
	return a
}

func (h *history) scattered() Event {
	u := UpdateData{Client: h.client()}
	for _, k := range h.keys() {
		u.WhoHas = append(u.WhoHas, wire.KeyAddress{Key: k, Addresses: []string{h.worker(), h.worker()}})
		u.Nbytes = append(u.Nbytes, wire.KeySize{Key: k, Nbytes: h.size()})
	}
	return u
}

func (h *history) finished() Event {
	k, run, w := h.run()
	start := h.float()
	return TaskFinished{Worker: w, TaskFinished: &wire.TaskFinished{Key: k, RunID: run, Nbytes: h.size(),
		StartStops: []wire.StartStop{{Action: "compute", Start: start, Stop: start + h.float()}}}}
}

// report is something that a worker says of a run.
func (h *history) report() Event {
	switch k, run, w := h.run(); h.pick(6) {
	case 0:
		return TaskErred{Worker: w, TaskErred: &wire.TaskErred{Key: k, RunID: run, ExceptionText: "no"}}
	case 1:
		return LongRunning{Worker: w, LongRunning: &wire.LongRunning{Key: k, RunID: run, ComputeDuration: h.float()}}
	case 2:
		return Reschedule{Worker: w, Reschedule: &wire.Reschedule{Key: k}}
	case 3, 4:
		return h.yielded()
	default:
		return Heartbeat{Address: w, Executing: []KeyDuration{{Key: k, Seconds: h.float()}}, Metrics: wire.Metrics{Bandwidth: h.float(), Memory: h.size(), SpilledMem: h.size(), SpilledDisk: h.size()}}
	}
}

// yielded is an answer to a request to give a task up: the right one, a late
// one or one that nobody asked for.
func (h *history) yielded() Event {
	k, _, w := h.run()
	r := &wire.StealResponse{Key: k, StimulusID: "steal-1"}
	if n := len(h.begs); n > 0 && h.pick(8) > 0 {
		b := h.begs[n-1-h.pick(min(n, 4))]
		q := b.Msg.(*wire.StealRequest)
		w, r.Key, r.StimulusID = b.Address, q.Key, q.StimulusID
	}
	r.State = []string{"ready", "waiting", "constrained", "executing", "memory", "", "released", "odd"}[h.pick(8)]
	return StealResponse{Worker: w, StealResponse: r}
}

// replicas is something that is said of copies.
func (h *history) replicas() Event {
	switch h.pick(6) {
	case 4, 5:
		return h.copied()
	case 0:
		return AddKeys{Worker: h.worker(), AddKeys: &wire.AddKeys{Keys: h.keys()}}
	case 1:
		return ReleaseWorkerData{Worker: h.worker(), ReleaseWorkerData: &wire.ReleaseWorkerData{Key: h.key()}}
	case 2:
		return MissingData{Worker: h.worker(), Keys: h.keys()}
	default:
		return RequestRefreshWhoHas{Worker: h.worker(), RequestRefreshWhoHas: &wire.RequestRefreshWhoHas{Keys: h.keys()}}
	}
}

func (h *history) wish() Event {
	switch h.pick(7) {
	case 0:
		return ClientDesiresKeys{Client: h.client(), Keys: h.keys()}
	case 1, 2:
		return ClientReleasesKeys{Client: h.client(), Keys: h.keys()}
	case 3:
		return CancelKeys{Client: h.client(), Keys: h.keys(), Force: h.pick(2) == 0}
	case 4:
		return RetryKeys{Client: h.client(), Keys: h.keys()}
	case 5:
		return ReportKey{Client: h.client(), Key: h.key()}
	default:
		return RemoveClient{ID: h.client()}
	}
}

func (h *history) event() Event {
	switch n := h.pick(16); {
	case n < 3:
		return h.submit()
	case n < 6:
		return h.finished()
	case n < 8:
		return h.report()
	case n < 9:
		return h.replicas()
	case n < 11:
		return h.wish()
	case n < 12:
		return h.scattered()
	case n < 13:
		return h.joining()
	case n < 14:
		return RemoveWorker{Address: h.worker(), Expected: h.pick(2) == 0}
	case n < 15:
		return WorkerStatus{Address: h.worker(), Status: h.status()}
	}
	switch h.pick(12) {
	case 8, 9, 10:
		return h.errand()
	case 11:
		return ManageMemory{Method: []string{ManagerStart, ManagerStop, ManagerRunOnce, "odd"}[h.pick(4)]}
	case 0:
		return Restart{}
	case 1:
		return WorkerExit{Address: h.worker(), ExitCode: 1}
	case 2:
		return WorkerExit{Pid: h.pick(3), Signal: "SIGKILL"}
	case 3:
		return SetResources{Worker: h.worker(), Resources: map[string]float64{"GPU": h.amount()}}
	case 4:
		r := SetRestrictions{Workers: map[wire.Key][]string{}}
		for _, k := range h.keys() {
			r.Workers[k] = []string{"nobody", h.worker()}[:h.pick(3)]
		}
		return r
	default:
		h.now = h.now.Add(time.Duration(h.pick(256)) * time.Second / 4)
		return Tick{}
	}
}

// errand is something to be done with copies.
func (h *history) errand() Event {
	h.id++
	timeout := time.Duration(h.pick(40)) * time.Second
	var workers []string
	if h.pick(3) == 0 {
		workers = []string{h.worker(), h.worker()}
	}
	switch h.pick(6) {
	case 0, 1:
		return Replicate{ID: h.id, Keys: h.keys(), N: h.pick(5) - 1, Workers: workers, BranchingFactor: h.pick(3) - 1, Timeout: timeout}
	case 2:
		r := Rebalance{ID: h.id, Workers: workers, Timeout: timeout}
		if h.pick(3) == 0 {
			r.Keys = h.keys()
		}
		return r
	case 3, 4:
		return Retire{ID: h.id, Address: h.worker(), Timeout: timeout}
	default:
		return AbandonErrand{ID: h.id - int64(h.pick(4))}
	}
}

// copied is that a worker has what it was told to fetch.
func (h *history) copied() Event {
	if n := len(h.fetches); n > 0 {
		f := h.fetches[n-1-h.pick(min(n, 4))]
		e := &wire.AddKeys{}
		for _, k := range f.Msg.(*wire.AcquireReplicas).WhoHas {
			if h.pick(4) > 0 {
				e.Keys = append(e.Keys, k.Key)
			}
		}
		return AddKeys{Worker: f.Address, AddKeys: e}
	}
	return AddKeys{Worker: h.worker(), AddKeys: &wire.AddKeys{Keys: h.keys()}}
}

// fuzzed is the machine that bytes drive; its settings are theirs too.
func fuzzed(data []byte) *history {
	h := &history{data: data, now: time.Unix(1e9, 0), done: map[int64]bool{}}
	c := DefaultConfig()
	c.Validate = true
	s := h.byte()
	c.FailFast = s&1 == 0
	c.AllowedFailures = int(s >> 1 & 3)
	if s&8 != 0 {
		c.WorkerSaturation = inf
	}
	if s&16 != 0 {
		c.NoWorkersTimeout = 10 * time.Second
	}
	h.m = New(c)
	return h
}

// apply has the machine handle an event and reads its instructions.
func (h *history) apply(t *testing.T, e Event) Output {
	h.now = h.now.Add(time.Millisecond)
	h.m.Apply(h.now, e)
	out := h.m.Take()
	if len(out.Errors) > 0 {
		t.Fatalf("%#v: %q", e, out.Errors)
	}
	checkCopies(t, h.m, out)
	for _, d := range out.Done {
		if h.done[d.ID] || d.ID < 1 || d.ID > h.id {
			t.Fatalf("%#v: the errand %d ends twice, or never began", e, d.ID)
		}
		h.done[d.ID] = true
	}
	for _, w := range out.ToWorkers {
		if _, known := h.m.Worker(w.Address); !known {
			t.Fatalf("%#v: a message for %s, which is gone", e, w.Address)
		}
		if c, ok := w.Msg.(*wire.ComputeTask); ok {
			h.runs = append(h.runs, c)
		}
		if _, ok := w.Msg.(*wire.StealRequest); ok {
			h.begs = append(h.begs, w)
		}
		if _, ok := w.Msg.(*wire.AcquireReplicas); ok {
			h.fetches = append(h.fetches, w)
		}
	}
	return out
}

// FuzzMachine checks the invariants of Validate after any events, that no
// instruction is for somebody who is gone, and that nothing is kept when all
// clients have left and the cluster was restarted.
func FuzzMachine(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return // more of the same
		}
		h := fuzzed(data)
		for len(h.data) > 0 {
			h.apply(t, h.event())
		}
		for _, c := range h.m.Clients() {
			h.apply(t, RemoveClient{ID: c.ID})
		}
		for _, k := range h.m.Keys() { // what remains is data that nobody wished for
			if i, _ := h.m.Task(k); !i.PureData {
				t.Fatalf("nobody is left who wants %v, but it is %v", k, i.State)
			}
		}
		h.apply(t, Restart{})
		for len(h.m.errands)+len(h.m.waiting) > 0 { // each ends, without any word of a worker
			h.now = h.now.Add(time.Minute)
			h.apply(t, Tick{})
		}
		if n := h.m.Stealing().InFlight; n > 0 {
			t.Fatalf("%d requests to steal are left after a restart", n)
		}
		for _, w := range h.m.Workers() {
			if w.Processing+w.HasWhat+w.Seceded != 0 || w.Nbytes != 0 || w.Occupancy != 0 || len(w.Used) != 0 {
				t.Fatalf("a worker keeps something after a restart: %+v", w)
			}
		}
		if left := h.m.Keys(); len(left) > 0 {
			t.Fatalf("%v are left after a restart", left)
		}
	})
}

// fuzzSeeds are histories of different temper: pseudo-random, but always the same.
func fuzzSeeds() [][]byte {
	var r [][]byte
	x := uint32(1)
	for _, n := range []int{16, 64, 256, 1024, 1024, 4096, 4096, 4096} {
		b := make([]byte, n)
		for i := range b {
			x = x*1664525 + 1013904223
			b[i] = byte(x >> 24)
		}
		r = append(r, b)
	}
	return r
}
