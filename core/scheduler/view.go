package scheduler

import (
	"maps"
	"slices"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// stats are the machine's figures under the names of pages and metrics.
type stats struct {
	Tasks                        map[string]int
	Bytes, Finished, Forgotten   int64
	Idle, Saturated, WaitingData int
	Groups                       int
	Prefixes                     []prefixStats
}

type prefixStats struct {
	Name                string
	States              map[string]int
	Finished            int64
	Bytes, Suspicious   int64
	ComputeSeconds      float64
	TransferSeconds     float64
	Entered             map[string]int // how often tasks entered each state
	active, outstanding int
}

// liveStates are the states that are shown, in the order of their names in Dask.
var liveStates = [...]state.State{
	state.Released, state.Waiting, state.Queued, state.NoWorker, state.Processing, state.Memory, state.Erred,
}

// entered has the states that tasks were in at all, also those that are no more.
func entered(c *state.Counts) map[string]int {
	m := byName(c)
	m[state.Forgotten.String()] = c[state.Forgotten]
	maps.DeleteFunc(m, func(_ string, n int) bool { return n == 0 })
	return m
}

func byName(c *state.Counts) map[string]int {
	m := make(map[string]int, len(liveStates))
	for _, s := range liveStates {
		m[s.String()] = c[s]
	}
	return m
}

// stats looks at the machine. On the loop.
func (l *loop) stats() stats {
	counts := l.m.Counts()
	st := stats{
		Tasks: byName(&counts), Forgotten: int64(counts[state.Forgotten]),
		Idle: len(l.m.Idle()), Saturated: len(l.m.Saturated()),
	}
	bytes := map[string]int64{}
	groups := l.m.Groups()
	st.Groups = len(groups)
	for _, g := range groups {
		bytes[g.Prefix] += g.Nbytes
		st.Bytes += g.Nbytes
	}
	for _, p := range l.m.Prefixes() {
		st.Finished += p.Finished
		st.Prefixes = append(st.Prefixes, prefixStats{
			Name: p.Name, States: byName(&p.Counts), Finished: p.Finished, Suspicious: p.Suspicious,
			Bytes: bytes[p.Name], ComputeSeconds: p.ComputeTotal.Seconds(),
			TransferSeconds: p.TransferTotal.Seconds(), Entered: entered(&p.Entered),
			active: p.Counts.Total(), outstanding: p.Counts.Total() - p.Counts[state.Memory] - p.Counts[state.Released],
		})
	}
	return st
}

// shown orders prefixes for the status page: those with work to do first, then
// the larger ones; what has no tasks left is not shown.
func (st *stats) shown(limit int) []prefixStats {
	ps := slices.DeleteFunc(slices.Clone(st.Prefixes), func(p prefixStats) bool { return p.active == 0 })
	slices.SortStableFunc(ps, func(a, b prefixStats) int {
		if (a.outstanding > 0) != (b.outstanding > 0) {
			return b2i(b.outstanding > 0) - b2i(a.outstanding > 0)
		}
		return b.active - a.active
	})
	return ps[:min(limit, len(ps))]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// holders are for each key the live workers that have it in memory. On the loop.
func (l *loop) holders(keys []wire.Key) [][]*workerPeer {
	out := make([][]*workerPeer, len(keys))
	for i, k := range l.m.WhoHas(keys) {
		for _, a := range k.Addresses {
			if w := l.workers[a]; w != nil {
				out[i] = append(out[i], w)
			}
		}
	}
	return out
}

// prefixOf is the name that a key's tasks have in common.
func (l *loop) prefixOf(k wire.Key) string {
	t, _ := l.m.Task(k)
	return t.Prefix
}
