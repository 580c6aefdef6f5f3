package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// TestValidateNotices breaks a machine in many ways: each must be noticed, or
// the tests that rely on Validate would prove less than they seem to.
func TestValidateNotices(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(m *Machine, t func(key string) *task)
		want string
	}{
		"a wrong state count":         {func(m *Machine, _ func(string) *task) { m.counts[Memory]++ }, "wrong count of memory"},
		"a task under another key":    {func(_ *Machine, t func(string) *task) { t("mem").key = "z" }, "another key"},
		"a forgotten waiter":          {func(_ *Machine, t func(string) *task) { t("run").waiters-- }, "number of waiters"},
		"a wrong assignment":          {func(_ *Machine, t func(string) *task) { t("run").on = nil }, "contradicts the assignment"},
		"a lost holder":               {func(_ *Machine, t func(string) *task) { t("mem").has = links[*worker]{} }, "contradicts the holders"},
		"waiting for too many":        {func(_ *Machine, t func(string) *task) { t("wait").waitingOn++ }, "wrong number of inputs"},
		"an erred task without cause": {func(_ *Machine, t func(string) *task) { t("err").more.cause = nil }, "without a cause"},
		"a left recommendation":       {func(_ *Machine, t func(string) *task) { t("mem").rec = Released }, "recommendation"},
		"long-running in memory":      {func(_ *Machine, t func(string) *task) { t("mem").set(seceded) }, "long-running"},
		"a wanted task that rests": {func(m *Machine, t func(string) *task) {
			m.unpark(t("queue"))
			m.enterState(t("queue"), Released)
		}, "needed, but nothing makes it"},
		"work that nobody needs":     {func(m *Machine, t func(string) *task) { m.unwant(m.clients["c"], t("wait")) }, "nobody needs it"},
		"rubbish":                    {func(m *Machine, t func(string) *task) { m.unwant(m.clients["c"], t("err")) }, "nothing refers to it"},
		"a result that nobody needs": {func(m *Machine, t func(string) *task) { m.unwant(m.clients["c"], t("mem")) }, "is kept"},
		"data that is erred":         {func(_ *Machine, t func(string) *task) { t("err").unset(specified) }, "data is erred"},
		"hope without inputs":        {func(_ *Machine, t func(string) *task) { t("wait").set(lostDeps) }, "never run"},
		"a half dependency":          {func(_ *Machine, t func(string) *task) { t("run").dependents = nil; t("run").waiters = 0 }, "no opposite"},
		"a half dependent":           {func(_ *Machine, t func(string) *task) { t("wait").deps = nil; t("wait").waitingOn = 0 }, "no opposite"},
		"an unknown dependency":      {func(m *Machine, t func(string) *task) { m.tasks.Remove(t("run")) }, "not known"},
		"a wrong place of a holder":  {func(_ *Machine, t func(string) *task) { t("mem").has.first.pos = 7 }, "results of w"},
		"a wrong place of a wish":    {func(_ *Machine, t func(string) *task) { t("mem").wants.first.pos = 77 }, "wishes of c"},
		"a wish at one end":          {func(m *Machine, t func(string) *task) { m.clients["c"].wants[0] = t("run") }, "wishes of c"},
		"a wrong group sum":          {func(_ *Machine, t func(string) *task) { t("mem").group.nbytes++ }, "group mem"},
		"a wrong prefix count":       {func(_ *Machine, t func(string) *task) { t("mem").prefix.counts[Erred]++ }, "prefix mem"},
		"a wrong limits count":       {func(_ *Machine, t func(string) *task) { t("mem").limits.tasks++ }, "limits python"},
		"an empty group":             {func(m *Machine, _ func(string) *task) { m.groups["z"] = &group{} }, "without tasks"},
		"lost threads":               {func(m *Machine, _ func(string) *task) { m.threads++ }, "workers or threads"},
		"an unnamed worker":          {func(m *Machine, _ func(string) *task) { delete(m.names, "w") }, "address or name"},
		"a wrong place of a task":    {func(_ *Machine, t func(string) *task) { t("run").onPos++ }, "tasks of w"},
		"wrong bytes":                {func(m *Machine, _ func(string) *task) { m.workers["w"].nbytes-- }, "wrong bytes"},
		"a wrong seceded count":      {func(m *Machine, _ func(string) *task) { m.workers["w"].seceded-- }, "long-running tasks of w"},
		"wrong occupancy":            {func(m *Machine, _ func(string) *task) { m.workers["w"].occupancy += 0.1 }, "occupancy"},
		"occupancy that is no number": {func(m *Machine, _ func(string) *task) {
			m.workers["w"].occupancy = nan
		}, "occupancy"},
		"wrong work ahead":    {func(m *Machine, _ func(string) *task) { m.workers["w"].ahead = 1 }, "occupancy"},
		"wrong resources":     {func(m *Machine, _ func(string) *task) { m.workers["w"].used = map[string]float64{"GPU": 1} }, "resources"},
		"a free slot unseen":  {func(m *Machine, _ func(string) *task) { m.workers["v"].status = "paused" }, "open workers"},
		"an open list's slip": {func(m *Machine, _ func(string) *task) { m.open[openSlots][0].openPos++ }, "open workers"},
		"a queue listed twice": {func(m *Machine, _ func(string) *task) {
			m.queues = append(m.queues, m.queues[0])
		}, "listed twice"},
		"a queue not listed":  {func(m *Machine, _ func(string) *task) { m.queues = nil }, "contradicts the queues"},
		"a lost queued task":  {func(_ *Machine, t func(string) *task) { t("queue").stamp = 0 }, "length of a queue"},
		"a task queued aside": {func(m *Machine, t func(string) *task) { m.parked.remove(t("park")) }, "contradicts the queues"},
		"a task without limit": {func(_ *Machine, t func(string) *task) {
			t("park").limits.runtime = pythonRuntime
			t("park").limits.checked = 0
		}, "though one may run it"},
		"a request for a task that is elsewhere": {func(m *Machine, t func(string) *task) {
			m.steals[t("queue")] = &steal{victim: m.workers["w"], thief: m.workers["v"]}
		}, "a worker that does not have it"},
		"a request for a long-running task": {func(m *Machine, t func(string) *task) {
			m.steals[t("long")] = &steal{victim: m.workers["w"], thief: m.workers["v"]}
		}, "must not be"},
		"a request that was lost":      {func(_ *Machine, t func(string) *task) { t("run").set(stealing) }, "without a request"},
		"a task on its way too much":   {func(m *Machine, _ func(string) *task) { m.workers["w"].coming++ }, "what is stolen"},
		"seconds on their way wrongly": {func(m *Machine, _ func(string) *task) { m.workers["w"].moving = 1 }, "what is stolen"},
		"an idle worker": {func(m *Machine, _ func(string) *task) {
			m.workers["w"].slots++
			m.refresh(m.workers["w"])
		}, "could start it"},
	} {
		t.Run(name, func(t *testing.T) {
			s := populated(t)
			c.harm(s.m, func(k string) *task { return s.m.tasks.Get(wire.StrKey(k)) })
			s.m.validate()
			if said := fmt.Sprint(s.m.out.Errors); !strings.Contains(said, c.want) {
				t.Errorf("noticed %q, want %q", said, c.want)
			}
		})
	}
}

// populated is a machine with a task in every state, named after it.
func populated(t *testing.T) *script {
	s := newScript(t, noFailFast)
	s.do(AddWorker{Address: "w", Status: "running", Resources: map[string]float64{"GPU": 4}})
	s.submit("mem", "mem")
	s.finish("w", "mem")
	s.submit("err", "err")
	s.fail("w", "err")
	s.submit("long", "long")
	s.secede("w", "long")
	s.submit("run wait queue park", "run", "wait<-run", "queue", goDef("park"))
	s.states("mem memory", "err erred", "long processing", "run processing", "wait waiting", "queue queued", "park no-worker")
	s.do(AddWorker{Address: "v", Status: "running", Runtimes: []string{"rust"}}) // open
	return s
}

func TestFaultsAreNotCollectedWithoutEnd(t *testing.T) {
	m := New(DefaultConfig())
	for range 1000 {
		m.fault("wrong", "k")
	}
	if n := len(m.Take().Errors); n != 100 {
		t.Errorf("%d faults", n)
	}
}

func TestUndeclaredStepsAreFaults(t *testing.T) {
	s := populated(t)
	s.m.transition(s.m.tasks.Get(wire.StrKey("mem")), NoWorker)
	s.m.transition(s.m.tasks.Get(wire.StrKey("mem")), Memory) // already there
	if e := s.m.Take().Errors; len(e) != 1 || !strings.Contains(e[0].String(), "impossible transition from memory to no-worker: mem") {
		t.Errorf("said %q", e)
	}
}
