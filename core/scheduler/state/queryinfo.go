package state

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Task is a snapshot of one task; false when the key is unknown.
func (m *Machine) Task(k wire.Key) (TaskInfo, bool) {
	t := m.tasks.Get(k)
	if t == nil {
		return TaskInfo{Key: k, State: Forgotten}, false
	}
	i := TaskInfo{
		Key: k, State: t.state, Prefix: t.prefix.name, Group: t.group.name,
		Priority: t.priority, WhoHas: t.holders(), RunID: t.runID, Nbytes: t.size(m),
		Suspicious: int(t.suspicious), PureData: !t.hasSpec(), LongRunning: t.is(seceded), Actor: t.is(actor),
	}
	if n := t.pinned(); n > 1 {
		i.Pinned = n
	}
	if t.limits != nil {
		i.Runtime, i.Workers = t.limits.runtime, slices.Clone(t.limits.workers)
		i.AllowOther, i.Resources = t.limits.loose, maps.Clone(t.limits.resources)
	}
	for _, d := range t.deps {
		i.Dependencies = append(i.Dependencies, d.to.key)
		if t.state == Waiting && d.to.state != Memory {
			i.WaitingOn = append(i.WaitingOn, d.to.key)
		}
	}
	for _, d := range t.dependents {
		i.Dependents = append(i.Dependents, d.to.key)
		if d.to.state.active() {
			i.Waiters = append(i.Waiters, d.to.key)
		}
	}
	for n := range t.wants.len() {
		i.WhoWants = append(i.WhoWants, t.wants.at(n).id)
	}
	if t.on != nil {
		i.ProcessingOn = t.on.address
	}
	if t.typ != nil {
		i.Type, i.Typename = t.typ.class, t.typ.name
	}
	t.more.describe(&i)
	return i, true
}

func (x *extra) describe(i *TaskInfo) {
	if x == nil {
		return
	}
	i.Annotations = x.annotations
	i.Retries, i.ErredOn = x.retries, slices.Clone(x.erredOn)
	if c := x.cause; c != nil {
		i.Blame, i.Exception, i.Traceback = c.key, c.exception, c.traceback
		i.ExceptionText, i.TracebackText = c.text(), c.tracebackText
	}
}

// Workers are snapshots of all workers in the order of registration.
func (m *Machine) Workers() []WorkerInfo {
	r := make([]WorkerInfo, len(m.list))
	for i, w := range m.list {
		r[i] = w.info()
	}
	slices.SortStableFunc(r, func(a, b WorkerInfo) int { return a.Since.Compare(b.Since) })
	return r
}

// Worker is a snapshot of one worker; false when it is unknown.
func (m *Machine) Worker(address string) (WorkerInfo, bool) {
	w := m.workers[address]
	if w == nil {
		return WorkerInfo{}, false
	}
	return w.info(), true
}

func (w *worker) info() WorkerInfo {
	i := WorkerInfo{
		AddWorker: w.reg, Since: w.since, LastSeen: w.lastSeen, Metrics: w.metrics,
		Processing: len(w.processing), Seceded: w.seceded, HasWhat: len(w.has), Nbytes: w.nbytes,
		Occupancy: w.occupancy, Slots: w.slots, Used: maps.Clone(w.used),
		Memory: w.memory(),
	}
	i.Status, i.Held = w.status, nil
	return i
}

// Clients are snapshots of all clients, sorted by ID.
func (m *Machine) Clients() []ClientInfo {
	r := make([]ClientInfo, 0, len(m.clients))
	for _, c := range m.clients {
		r = append(r, ClientInfo{ID: c.id, Wants: len(c.wants), Since: c.since})
	}
	slices.SortFunc(r, func(a, b ClientInfo) int { return strings.Compare(a.ID, b.ID) })
	return r
}

// Wants are the keys that a client wants.
func (m *Machine) Wants(client string) []wire.Key {
	if c := m.clients[client]; c != nil {
		return keysOf(c.wants)
	}
	return nil
}

// Prefixes are the counts by name, sorted. Names stay known after their tasks
// are forgotten, with what was learned of their durations.
func (m *Machine) Prefixes() []PrefixInfo {
	r := make([]PrefixInfo, 0, len(m.prefixes))
	for _, p := range m.prefixes {
		mean := time.Duration(-1)
		if p.samples > 0 {
			mean = seconds(p.duration)
		}
		r = append(r, PrefixInfo{
			Name: p.name, Counts: p.counts, MeanDuration: mean, MaxDuration: seconds(p.longest),
			Finished: p.finished, Suspicious: p.suspicious, MeanNbytes: int64(p.meanBytes),
			ComputeTotal: seconds(p.total), TransferTotal: seconds(p.transfer), Entered: p.entered,
		})
	}
	slices.SortFunc(r, func(a, b PrefixInfo) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// Groups are the counts by collection, sorted by name.
func (m *Machine) Groups() []GroupInfo {
	r := make([]GroupInfo, 0, len(m.groups))
	for _, g := range m.groups {
		r = append(r, GroupInfo{
			Name: g.name, Prefix: g.prefix.name, Counts: g.counts, Nbytes: g.nbytes,
			Duration: seconds(g.duration), Start: g.start, Stop: g.stop,
		})
	}
	slices.SortFunc(r, func(a, b GroupInfo) int { return strings.Compare(a.Name, b.Name) })
	return r
}

func compareKeys(a, b wire.Key) int { return strings.Compare(string(a), string(b)) }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
