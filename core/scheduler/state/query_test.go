package state

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestTaskInfo(t *testing.T) {
	s := newScript(t)
	s.join("w")
	d := taskDef("y-12<-x")
	d.Retries, d.Timeout, d.Actor = 2, 1.5, true
	d.Annotations = wire.StringOpaque("note")
	d.Workers, d.AllowOther, d.Resources = []string{"w"}, true, wire.Resources{}
	s.submit("y-12", "x", d)
	i, ok := s.m.Task(wire.StrKey("y-12"))
	want := TaskInfo{Key: wire.StrKey("y-12"), State: Waiting, Prefix: "y", Group: "y", Runtime: "python",
		Priority: [3]float64{0, 1, 1}, Dependencies: ks("x"), WaitingOn: ks("x"), WhoWants: []string{"c"}, Nbytes: 1024, Retries: 2,
		Workers: []string{"w"}, AllowOther: true, Resources: i.Resources, Actor: true, Annotations: wire.StringOpaque("note")}
	if !ok || !reflect.DeepEqual(i, want) {
		t.Errorf("y is %+v\nwant %+v", i, want)
	}
	if i, _ = s.m.Task(wire.StrKey("x")); i.ProcessingOn != "w" || len(i.Waiters) != 1 || len(i.Dependents) != 1 || i.RunID != 1 {
		t.Errorf("x is %+v", i)
	}
	s.finish("w", "x", 77)
	if c := s.run("w", "y-12"); c.Timeout != 1.5 || c.Annotations.Text() != "note" || c.WhoHas[0].Addresses[0] != "w" || c.Nbytes[0].Nbytes != 77 {
		t.Errorf("the worker is told %+v", c)
	}
	s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: wire.StrKey("y-12"), Type: wire.StringOpaque("class"), Typename: "int"}})
	if i, _ = s.m.Task(wire.StrKey("y-12")); i.Typename != "int" || i.Type.Text() != "class" || len(i.WhoHas) != 1 || i.Nbytes != 0 {
		t.Errorf("y is %+v", i)
	}
	if i, ok := s.m.Task("nobody"); ok || i.State != Forgotten {
		t.Errorf("nobody is %+v", i)
	}
}

func TestQuestionsAboutResults(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("b a p", "b", "a", "p")
	s.finish("w", "b", 5)
	s.finish("w", "a", 7)
	all := wire.KeyAddresses{{Key: ks("a")[0], Addresses: []string{"w"}}, {Key: ks("b")[0], Addresses: []string{"w"}}}
	if got := s.m.WhoHas(nil); !reflect.DeepEqual(got, all) {
		t.Errorf("who has: %v", got)
	}
	if got := s.m.WhoHas(ks("p", "nobody")); len(got) != 2 || got[0].Addresses != nil || got[1].Addresses != nil {
		t.Errorf("who has: %v", got)
	}
	sizes := wire.KeySizes{{Key: ks("a")[0], Nbytes: 7}, {Key: ks("b")[0], Nbytes: 5}}
	if got := s.m.NBytes(nil); !reflect.DeepEqual(got, sizes) {
		t.Errorf("nbytes: %v", got)
	}
	if got := s.m.NBytes(ks("b", "p", "nobody")); len(got) != 1 || got[0].Nbytes != 5 {
		t.Errorf("nbytes: %v", got)
	}
	if got := names(s.m.HasWhat("w")); got != "b a" {
		t.Errorf("has what: %s", got)
	}
	if got := names(s.m.Processing("w")); got != "p" {
		t.Errorf("processing: %s", got)
	}
	if got := names(s.m.Keys()); got != "a b p" {
		t.Errorf("keys: %s", got)
	}
	if got := names(s.m.Wants("c")); got != "b a p" {
		t.Errorf("wants: %s", got)
	}
	if s.m.HasWhat("nobody") != nil || s.m.Processing("nobody") != nil || s.m.Wants("nobody") != nil {
		t.Error("strangers have something")
	}
	if n := s.m.NCores(); len(n) != 1 || n["w"] != 1 {
		t.Errorf("cores: %v", n)
	}
	if c := s.m.Counts(); c.Total() != 3 || c[Memory] != 2 {
		t.Errorf("counts: %v", c)
	}
	if b := s.m.Bandwidth(); b != 100e6 {
		t.Errorf("bandwidth: %v", b)
	}
}

func TestQuestionsAboutWorkersAndClients(t *testing.T) {
	s := newScript(t)
	began := s.now
	s.join("b", "a")
	s.do(AddClient{ID: "b"})
	s.submit("x", "x")
	if w := s.m.Workers(); len(w) != 2 || w[0].Address != "b" || !w[0].Since.After(began) {
		t.Errorf("workers: %+v", w)
	}
	if _, ok := s.m.Worker("nobody"); ok {
		t.Error("a stranger is known")
	}
	if c := s.m.Clients(); len(c) != 2 || c[0].ID != "b" || c[1].Wants != 1 {
		t.Errorf("clients: %+v", c)
	}
}

func TestGroupsAndPrefixes(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", NThreads: 4, Status: "running"})
	key := func(name string, i int64) wire.Key { return wire.TupleKey(wire.StrKey(name), wire.IntKey(i)) }
	u := UpdateGraph{Client: "c"}
	for i := range int64(3) {
		k := key("sum-ab12", i)
		u.Tasks, u.Keys = append(u.Tasks, wire.TaskDef{Key: k, RunSpec: wire.StringOpaque("f")}), append(u.Keys, k)
	}
	s.do(u)
	for i := range int64(2) {
		s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: key("sum-ab12", i), Nbytes: 10 * (i + 1),
			StartStops: []wire.StartStop{{Action: "compute", Start: 100 - float64(i), Stop: 102}}}})
	}
	g := s.m.Groups()
	if len(g) != 1 || g[0].Name != "sum-ab12" || g[0].Prefix != "sum" || g[0].Nbytes != 30 || g[0].Start != 99 || g[0].Stop != 102 ||
		g[0].Duration != 5*time.Second || g[0].Counts[Memory] != 2 || g[0].Counts[Processing] != 1 {
		t.Errorf("groups: %+v", g)
	}
	p := s.m.Prefixes()
	if len(p) != 1 || p[0].Name != "sum" || p[0].MeanDuration != 2500*time.Millisecond || p[0].MaxDuration != 3*time.Second ||
		p[0].Finished != 2 || p[0].MeanNbytes != 15 || p[0].ComputeTotal != 5*time.Second {
		t.Errorf("prefixes: %+v", p)
	}
	s.do(ClientReleasesKeys{Client: "c", Keys: u.Keys})
	if g := s.m.Groups(); len(g) != 0 {
		t.Errorf("groups without tasks: %+v", g)
	}
	s.submit("a", "a")
	if p := s.m.Prefixes(); len(p) != 2 || p[0].Name != "a" || p[0].MeanDuration >= 0 || p[1].Finished != 2 {
		t.Errorf("prefixes: %+v; what was learned of sum must stay", p)
	}
}

// A worker's results are of one type mostly, so that the type is kept once.
func TestTypesAreShared(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.many("x", 3)
	for i, typ := range []string{"int", "int", "str"} {
		s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: wire.StrKey(fmt.Sprint("x-", i)), Type: wire.StringOpaque(typ), Typename: typ}})
	}
	kind := func(i int) *kind { return s.m.tasks.Get(wire.StrKey(fmt.Sprint("x-", i))).typ }
	if kind(0) != kind(1) || kind(2) == kind(0) || kind(2).name != "str" {
		t.Errorf("kinds %v %v %v", kind(0), kind(1), kind(2))
	}
}

// Idle: fewer tasks than threads or much less work than others. Saturated:
// much more.
func TestIdleAndSaturated(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = 10 })
	if s.m.Idle() != nil || s.m.Saturated() != nil {
		t.Error("there are no workers")
	}
	s.join("u", "v", "w")
	s.do(AddWorker{Address: "p", Status: "paused"})
	if got := s.m.Idle(); !reflect.DeepEqual(got, []string{"u", "v", "w"}) {
		t.Errorf("idle: %v", got)
	}
	for i := range 8 {
		k := fmt.Sprint("a-", i)
		s.submit(k, restricted(k, "u"))
	}
	s.submit("b c", restricted("b", "v"), restricted("c", "w"))
	if got := s.m.Saturated(); !reflect.DeepEqual(got, []string{"u"}) {
		t.Errorf("saturated: %v", got)
	}
	if got := s.m.Idle(); !reflect.DeepEqual(got, []string{"v", "w"}) {
		t.Errorf("idle: %v; their share is small", got)
	}
}

func TestStory(t *testing.T) {
	s := newScript(t, func(c *Config) { c.TransitionLogLength = 4 })
	s.join("w")
	s.submit("x", "x")
	f := &wire.TaskFinished{Key: ks("x")[0], StimulusID: "why"}
	s.do(TaskFinished{Worker: "w", TaskFinished: f})
	got := s.m.Story(ks("x")...)
	if len(got) != 3 || got[0].To != Waiting || got[2].To != Memory || got[2].Stimulus != "why" || !got[2].Time.Equal(s.now) {
		t.Errorf("story %v", got)
	}
	if n := len(s.m.Story(ks("y")...)); n != 0 {
		t.Errorf("%d transitions of y", n)
	}
	s.submit("y", "y")
	if n := len(s.m.Story()); n != 4 || s.m.Transitions() != 5 {
		t.Errorf("%d of %d transitions are kept", n, s.m.Transitions())
	}
	quiet := New(Config{TransitionLogLength: -1})
	quiet.Apply(s.now, graph("x", "x"))
	if quiet.Story() != nil || quiet.Transitions() != 2 {
		t.Errorf("story %v of %d transitions", quiet.Story(), quiet.Transitions())
	}
}

func TestStatesHaveDasksNames(t *testing.T) {
	for s, want := range []string{"released", "waiting", "no-worker", "queued", "processing", "memory", "erred", "forgotten", "unknown", "unknown"} {
		if got := State(s).String(); got != want {
			t.Errorf("%d is %q, want %q", s, got, want)
		}
	}
}

func TestSettingsThatMakeNoSenseTakeTheDefault(t *testing.T) {
	want := DefaultConfig()
	want.AllowedFailures, want.TransitionLogLength, want.PipelineDuration = 0, 0, 0
	want.WorkerTTL, want.FailFast, want.FailFastGrace, want.WorkStealing, want.Watchdog = 0, false, 0, false, 0
	want.MemoryManager.Start, want.MemoryManager.ReduceReplicas = false, false
	bad := Config{AllowedFailures: -1, TransitionLogLength: -1, PipelineDuration: -1, Bandwidth: nan, WorkerSaturation: nan,
		UnknownTaskDuration: -1, DefaultDataSize: -1, PipelineTasks: -1, PipelineBytes: -1, WorkStealingInterval: -1, Watchdog: -1}
	if got := New(bad).c; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if got := New(DefaultConfig()).c; !reflect.DeepEqual(got, DefaultConfig()) {
		t.Errorf("the defaults became %+v", got)
	}
}

// Instructions stay as they are until the next Take.
func TestTakenInstructionsStay(t *testing.T) {
	m := New(DefaultConfig())
	now := time.Unix(1e9, 0)
	m.Apply(now, AddWorker{Address: "w", NThreads: 1, Status: "running"})
	m.Apply(now, graph("x y", "x", "y"))
	first := m.Take()
	n := len(first.ToWorkers)
	m.Apply(now, ClientReleasesKeys{Client: "c", Keys: ks("x", "y")})
	for i, w := range first.ToWorkers[:n] {
		if _, ok := w.Msg.(*wire.ComputeTask); !ok {
			t.Errorf("message %d became %v", i, w.Msg)
		}
	}
	if second := m.Take(); len(second.ToWorkers) == 0 || len(m.Take().ToWorkers) != 0 {
		t.Error("instructions were lost or given twice")
	}
}
