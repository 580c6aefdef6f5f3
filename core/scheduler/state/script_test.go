package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// script drives a machine event by event. What the machine says is collected
// as lines such as "w1: compute x" and "c: x in memory", for expect.
type script struct {
	t      *testing.T
	m      *Machine
	now    time.Time
	lines  []string
	runs   map[string]*wire.ComputeTask  // latest assignment by "worker key"
	last   []Transition                  // of the latest event
	asked  map[string]*wire.StealRequest // latest request by key
	ends   []string                      // errands that ended, for done
	reason string                        // of the last one
}

func newScript(t *testing.T, change ...func(*Config)) *script {
	t.Helper()
	c := DefaultConfig()
	c.WorkerSaturation, c.Validate = 1, true
	for _, f := range change {
		f(&c)
	}
	s := &script{t: t, m: New(c), now: time.Unix(1e9, 0), runs: map[string]*wire.ComputeTask{},
		asked: map[string]*wire.StealRequest{}}
	s.do(AddClient{ID: "c"})
	return s
}

// do applies an event a millisecond after the one before.
func (s *script) do(e Event) {
	s.t.Helper()
	s.now = s.now.Add(time.Millisecond)
	before := s.m.Transitions()
	s.m.Apply(s.now, e)
	out := s.m.Take()
	if len(out.Errors) > 0 {
		s.t.Fatalf("%T: %q", e, out.Errors)
	}
	story := s.m.Story()
	s.last = story[len(story)-min(len(story), int(s.m.Transitions()-before)):]
	for _, l := range s.last {
		if !declared[[2]State{l.From, l.To}] {
			s.t.Fatalf("%T: undeclared transition of %v from %v to %v", e, l.Key, l.From, l.To)
		}
	}
	s.note(out)
}

func (s *script) note(out Output) {
	say := func(format string, a ...any) { s.lines = append(s.lines, fmt.Sprintf(format, a...)) }
	for _, r := range out.Rejected {
		say("reject %s: %s", r.Address, r.Reason)
	}
	for _, m := range out.ToWorkers {
		if c, ok := m.Msg.(*wire.ComputeTask); ok {
			s.runs[m.Address+" "+c.Key.String()] = c
		}
		if r, ok := m.Msg.(*wire.StealRequest); ok {
			s.asked[r.Key.String()] = r
		}
		say("%s: %s", m.Address, inWords(m.Msg))
	}
	for _, m := range out.ToClients {
		say("%s: %s", m.Client, inWords(m.Msg))
	}
	for _, d := range out.Done {
		s.ends = append(s.ends, strings.TrimSpace(fmt.Sprint(d.ID, " ", d.Status, " ", names(d.Keys))))
		s.reason = d.Reason
	}
	for _, c := range out.Close {
		say("close %s: %s", c.Address, c.Reason)
	}
}

func inWords(m wire.Msg) string {
	switch m := m.(type) {
	case *wire.ComputeTask:
		return "compute " + m.Key.String()
	case *wire.FreeKeys:
		return "free " + names(m.Keys)
	case *wire.RemoveWorker:
		return "gone " + m.Worker
	case *wire.StealRequest:
		return "give up " + m.Key.String()
	case *wire.RemoveReplicas:
		return "drop " + names(m.Keys)
	case *wire.AcquireReplicas:
		r := "fetch"
		for _, w := range m.WhoHas {
			r += fmt.Sprintf(" %v=%v", w.Key, w.Addresses)
		}
		return r
	case *wire.WorkerStatusChange:
		return "status " + m.Status
	case *wire.RefreshWhoHas:
		r := "who has"
		for _, w := range m.WhoHas {
			r += fmt.Sprintf(" %v=%v", w.Key, w.Addresses)
		}
		return r
	case *wire.KeyInMemory:
		return m.Key.String() + " in memory"
	case *wire.TaskErred:
		return m.Key.String() + " erred: " + m.ExceptionText
	case *wire.CancelledKeys:
		return fmt.Sprintf("%s cancelled: %s: %s", names(m.Keys), m.Reason, m.Msg)
	case *wire.TaskRetried:
		return m.Key.String() + " retried"
	case *wire.LostData:
		return m.Key.String() + " lost"
	case *wire.Restart:
		return "restart"
	}
	return fmt.Sprintf("%T", m)
}

func names(ks []wire.Key) string {
	r := make([]string, len(ks))
	for i, k := range ks {
		r[i] = k.String()
	}
	return strings.Join(r, " ")
}

// expect compares all that was said since the last expect, in any order.
func (s *script) expect(want ...string) {
	s.t.Helper()
	got := slices.Sorted(slices.Values(s.lines))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Fatalf("the machine said\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	s.lines = nil
}

// skip forgets what was said so far.
func (s *script) skip() { s.lines = nil }

// said returns the only line since the last expect that begins with prefix.
func (s *script) said(prefix string) string {
	s.t.Helper()
	var r []string
	for _, l := range s.lines {
		if strings.HasPrefix(l, prefix) {
			r = append(r, l)
		}
	}
	if len(r) != 1 {
		s.t.Fatalf("%d lines begin with %q:\n  %s", len(r), prefix, strings.Join(s.lines, "\n  "))
	}
	return r[0]
}

// contains is for texts: each of the parts must be in the line.
func (s *script) contains(line string, parts ...string) {
	s.t.Helper()
	for _, p := range parts {
		if !strings.Contains(line, p) {
			s.t.Errorf("%q does not say %q", line, p)
		}
	}
}

// states checks tasks' states: "x memory", "y waiting", "z forgotten".
func (s *script) states(want ...string) {
	s.t.Helper()
	for _, w := range want {
		key, state, _ := strings.Cut(w, " ")
		if got, _ := s.m.State(wire.StrKey(key)); got.String() != state {
			s.t.Fatalf("%s is %v, want %s", key, got, state)
		}
	}
}

// ks are string keys.
func ks(names ...string) []wire.Key {
	r := make([]wire.Key, len(names))
	for i, n := range names {
		r[i] = wire.StrKey(n)
	}
	return r
}

// taskDef reads "x", or "z<-x,y" for a task with inputs.
func taskDef(text string) wire.TaskDef {
	name, inputs, found := strings.Cut(text, "<-")
	d := wire.TaskDef{Key: wire.StrKey(name), RunSpec: wire.StringOpaque("f")}
	if found {
		d.Dependencies = ks(strings.Split(inputs, ",")...)
	}
	return d
}

// graph is the event of client c that submits tasks, in their static order,
// and wants some.
func graph(wants string, defs ...any) UpdateGraph {
	u := UpdateGraph{Client: "c", Keys: ks(strings.Fields(wants)...)}
	for i, d := range defs {
		t, ok := d.(wire.TaskDef)
		if !ok {
			t = taskDef(d.(string))
		}
		t.Order = int64(i)
		u.Tasks = append(u.Tasks, t)
	}
	return u
}

func (s *script) submit(wants string, defs ...any) {
	s.t.Helper()
	s.do(graph(wants, defs...))
}

// join registers running workers with one thread each.
func (s *script) join(names ...string) {
	s.t.Helper()
	for _, n := range names {
		s.do(AddWorker{Address: n, NThreads: 1, Status: "running"})
	}
}

// finish reports the result of a worker's present run of a key.
func (s *script) finish(worker, key string, nbytes ...int64) {
	s.t.Helper()
	f := &wire.TaskFinished{Key: wire.StrKey(key), RunID: s.run(worker, key).RunID, Nbytes: 8}
	if len(nbytes) > 0 {
		f.Nbytes = nbytes[0]
	}
	s.do(TaskFinished{Worker: worker, TaskFinished: f})
}

// timed is finish with a measured duration.
func (s *script) timed(worker, key string, d time.Duration) {
	s.t.Helper()
	s.do(TaskFinished{Worker: worker, TaskFinished: &wire.TaskFinished{
		Key: wire.StrKey(key), RunID: s.run(worker, key).RunID, Nbytes: 8,
		StartStops: []wire.StartStop{{Action: "compute", Start: 1, Stop: 1 + d.Seconds()}},
	}})
}

func (s *script) fail(worker, key string) {
	s.t.Helper()
	s.do(TaskErred{Worker: worker, TaskErred: &wire.TaskErred{
		Key: wire.StrKey(key), RunID: s.run(worker, key).RunID, ExceptionText: "boom " + key,
	}})
}

// run is the latest assignment of a key to a worker.
func (s *script) run(worker, key string) *wire.ComputeTask {
	s.t.Helper()
	c := s.runs[worker+" "+wire.StrKey(key).String()]
	if c == nil {
		s.t.Fatalf("%s was never told to compute %s; runs: %q", worker, key, slices.Sorted(maps.Keys(s.runs)))
	}
	return c
}

func (s *script) secede(worker, key string) {
	s.t.Helper()
	s.do(LongRunning{Worker: worker, LongRunning: &wire.LongRunning{Key: wire.StrKey(key), RunID: s.run(worker, key).RunID}})
}

func (s *script) reschedule(worker, key string) {
	s.t.Helper()
	s.do(Reschedule{Worker: worker, Reschedule: &wire.Reschedule{Key: wire.StrKey(key)}})
}

// lose is the unexpected end of a worker, leave an expected one.
func (s *script) lose(worker string) { s.t.Helper(); s.do(RemoveWorker{Address: worker}) }
func (s *script) leave(worker string) {
	s.t.Helper()
	s.do(RemoveWorker{Address: worker, Expected: true})
}

func (s *script) status(worker, status string) {
	s.t.Helper()
	s.do(WorkerStatus{Address: worker, Status: status})
}

func (s *script) release(keys ...string) {
	s.t.Helper()
	s.do(ClientReleasesKeys{Client: "c", Keys: ks(keys...)})
}

// scatter puts data of 8 bytes on a worker; client "" has no wish.
func (s *script) scatter(client, worker string, keys ...string) {
	s.t.Helper()
	u := UpdateData{Client: client}
	for _, k := range ks(keys...) {
		u.WhoHas = append(u.WhoHas, wire.KeyAddress{Key: k, Addresses: []string{worker}})
		u.Nbytes = append(u.Nbytes, wire.KeySize{Key: k, Nbytes: 8})
	}
	s.do(u)
}

// replica reports that a worker fetched keys.
func (s *script) replica(worker string, keys ...string) {
	s.t.Helper()
	s.do(AddKeys{Worker: worker, AddKeys: &wire.AddKeys{Keys: ks(keys...)}})
}

// yields is a victim's answer to the latest request for a key.
func (s *script) yields(worker, key, state string) {
	s.t.Helper()
	r := s.asked[wire.StrKey(key).String()]
	if r == nil {
		s.t.Fatalf("nobody was asked to give up %s", key)
	}
	s.do(StealResponse{Worker: worker, StealResponse: &wire.StealResponse{Key: r.Key, State: state, StimulusID: r.StimulusID}})
}

// wait lets time pass and ticks.
func (s *script) wait(d time.Duration) {
	s.t.Helper()
	s.now = s.now.Add(d)
	s.do(Tick{})
}

// noFailFast has unsatisfiable tasks wait.
func noFailFast(c *Config) { c.FailFast = false }
