package scheduler

import (
	"path/filepath"
	"strings"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// storyRows are transitions as Dask's schedulers write them: key, state before,
// state after, what it led to, reason, time.
func storyRows(story []state.Transition) []any {
	rows := make([]any, len(story))
	for i, t := range story {
		rows[i] = []any{t.Key, t.From.String(), t.To.String(), []any{}, t.Stimulus, unixSeconds(t.Time)}
	}
	return rows
}

func logRows(lines []logLine) []any {
	rows := make([]any, len(lines))
	for i, line := range lines {
		rows[i] = []any{line.level, line.String()}
	}
	return rows
}

// dumpWorkers are the workers as the scheduler sees them.
func (l *loop) dumpWorkers(exclude []string) object {
	out := object{}
	for _, w := range l.sortedWorkers() {
		n, _ := l.m.Worker(w.address)
		o := w.identity()
		if len(w.metrics.Raw) > 0 {
			o = append(o.without("metrics"), field{"metrics", forPeople(w.metrics.Raw)})
		}
		o = append(o, field{"address", w.address}, field{"processing", keyList(l.m.Processing(w.address))},
			field{"has_what", keyList(l.m.HasWhat(w.address))}, field{"nbytes", n.Nbytes}, field{"occupancy", n.Occupancy},
			field{"used_resources", floats(n.Used)}, field{"server_id", n.ServerID}, field{"pid", n.Pid})
		out = append(out, field{w.address, o.without(exclude...)})
	}
	return out
}

// forPeople is a value of a peer's with texts for the keys of all maps: readers of
// dumps take no others.
func forPeople(raw []byte) any {
	v, err := dump.Decode(raw)
	if err != nil {
		return nil
	}
	o, err := wire.OpaqueOf(v)
	if err != nil {
		return nil
	}
	return &o
}

// keyList is keys that are written out as texts only with the answer, outside of
// the loop.
type keyList []wire.Key

func keyTexts(keys []wire.Key) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.String()
	}
	return out
}

func (l *loop) dumpClients() object {
	out := object{}
	for _, c := range l.m.Clients() {
		out = append(out, field{c.ID, object{
			{"client_key", c.ID}, {"since", unixSeconds(c.Since)}, {"wants_what", keyList(l.m.Wants(c.ID))},
		}})
	}
	return out
}

func (l *loop) dumpGroups() object {
	out := object{}
	for _, g := range l.m.Groups() {
		states := object{}
		for _, s := range liveStates {
			states = append(states, field{s.String(), g.Counts[s]})
		}
		out = append(out, field{g.Name, object{
			{"name", g.Name}, {"prefix", g.Prefix}, {"states", states}, {"nbytes_total", g.Nbytes},
			{"duration", g.Duration.Seconds()}, {"start", g.Start}, {"stop", g.Stop},
		}})
	}
	return out
}

// dumpEvents are the remembered events but for those that carry binary data.
func dumpEvents(events map[string][]topicEvent) object {
	out := object{}
	for _, t := range sortedKeys(events) {
		rows := []any{}
		for _, e := range events[t] {
			var msg any = "<binary>"
			if len(e.msg.Frames) == 0 && len(e.msg.Raw) > 0 {
				msg = forPeople(e.msg.Raw)
			}
			rows = append(rows, []any{unixSeconds(e.at), msg})
		}
		out = append(out, field{t, rows})
	}
	return out
}

// dumpToURL writes a dump below the directory that the operator allowed; without
// one a client has to take the dump itself.
func (c *call) dumpToURL() (any, error) {
	path, local := strings.CutPrefix(c.str("url"), "file://")
	switch {
	case c.s.set.DumpDirectory == "":
		return nil, asPython("PermissionError", "dump_cluster_state_to_url: this scheduler writes no files for clients; "+
			"set scheduler.dump-directory, or write the dump from the client")
	case !local && strings.Contains(path, "://"):
		return nil, asPython("ValueError", "dump_cluster_state_to_url: %q: only files below %s can be written", path, c.s.set.DumpDirectory)
	}
	if filepath.IsAbs(path) {
		below, err := filepath.Rel(c.s.set.DumpDirectory, path)
		if err != nil {
			return nil, err
		}
		path = below
	}
	name, format, err := dump.File(path, c.str("format"))
	if err != nil {
		return nil, asPython("ValueError", "dump_cluster_state_to_url: %v", err)
	}
	return nil, c.s.writeDump(c, name, format)
}
