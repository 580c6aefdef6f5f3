package scheduler

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// performanceReport answers with a page about all that happened since the field
// start (Unix seconds): one HTML text that needs nothing else.
func (c *call) performanceReport() (any, error) {
	return c.s.report(c.ctx, c.float("start", 0), c.str("code"))
}

// reportPage is the data of the page.
type reportPage struct {
	Title, Address, Version, Go, Code string
	From, To, Duration                string
	Tasks, Failed                     int
	Threads                           int
	Memory                            int64
	Actions, Names                    []reportRow
	Stream                            streamPicture
	Workers                           []workerSnapshot
	Bandwidth                         []fact
	Lines                             []pageLine
}

// reportRow is the time that tasks of one name, or phases of one kind, took.
type reportRow struct {
	Name           string
	Count          int
	Total, Longest float64
	Failed         int
	Bytes          int64
}

// Mean is the time of one.
func (r *reportRow) Mean() float64 { return r.Total / float64(max(r.Count, 1)) }

// Fill is the colour of the name in the picture.
func (r *reportRow) Fill() string { return nameColour(r.Name) }

func (s *Scheduler) report(ctx context.Context, start float64, code string) (string, error) {
	page := reportPage{
		Title: "Performance report", Address: s.Address(), Version: s.set.Version, Go: runtime.Version(), Code: code,
	}
	runs, err := s.taskRuns(ctx, streamQuery{start: max(start, 1e-9), count: -1})
	if err != nil {
		return "", err
	}
	var snap *snapshot
	var prefixes map[wire.Key]string
	now := time.Now()
	err = s.loop.do(ctx, func() {
		snap = s.loop.snapshot()
		page.Bandwidth = s.loop.bandwidths()
	})
	if err != nil {
		return "", err
	}
	page.Workers, page.Threads = snap.Workers, snap.Threads
	for _, w := range snap.Workers {
		page.Memory += w.Limit
	}
	page.Tasks, prefixes = len(runs), namesOf(runs)
	page.Actions, page.Names, page.Failed = sums(runs, prefixes)
	page.Stream = picture(runs, prefixes)
	from := time.Unix(0, int64(start*1e9))
	page.From, page.To, page.Duration = clock(from), clock(now), now.Sub(from).Round(time.Millisecond).String()
	for _, l := range s.log.last(0) {
		if unixSeconds(l.at) >= start {
			page.Lines = append(page.Lines, pageLine{l.level, l.String()})
		}
	}
	var b bytes.Buffer
	if err := s.fillPage(&b, "report", &page); err != nil {
		return "", fmt.Errorf("performance report: %w", err)
	}
	return b.String(), nil
}

// namesOf are the names of the runs' tasks, which may be forgotten by now.
func namesOf(runs []state.Ran) map[wire.Key]string {
	names := make(map[wire.Key]string, len(runs))
	for i := range runs {
		names[runs[i].Key] = state.PrefixOf(runs[i].Key)
	}
	return names
}

// sums adds up what runs took, by kind of phase and by name.
func sums(runs []state.Ran, names map[wire.Key]string) (actions, byName []reportRow, failed int) {
	phases, prefixes := map[string]*reportRow{}, map[string]*reportRow{}
	row := func(m map[string]*reportRow, name string) *reportRow {
		if m[name] == nil {
			m[name] = &reportRow{Name: name}
		}
		return m[name]
	}
	for i := range runs {
		r := &runs[i]
		of := row(prefixes, names[r.Key])
		of.Count++
		of.Bytes += max(r.Nbytes, 0)
		if r.Erred {
			of.Failed++
			failed++
		}
		for _, p := range r.StartStops {
			took := max(p.Stop-p.Start, 0)
			for _, x := range []*reportRow{row(phases, p.Action), of} {
				if x != of || p.Action == "compute" {
					x.Total += took
					x.Longest = max(x.Longest, took)
				}
			}
			row(phases, p.Action).Count++
		}
	}
	return sorted(phases), sorted(prefixes), failed
}

func sorted(m map[string]*reportRow) (rows []reportRow) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		rows = append(rows, *m[name])
	}
	slices.SortStableFunc(rows, func(a, b reportRow) int {
		switch {
		case a.Total > b.Total:
			return -1
		case a.Total < b.Total:
			return 1
		}
		return 0
	})
	return rows
}

// bandwidths are the speeds of transfers that workers told, in all and with each
// other.
func (l *loop) bandwidths() (facts []fact) {
	facts = append(facts, fact{"all workers", byteText(int64(l.m.Bandwidth())) + "/s"})
	for _, w := range l.sortedWorkers() {
		if w.metrics.Bandwidth >= 1 {
			facts = append(facts, fact{"to " + w.name, byteText(int64(w.metrics.Bandwidth)) + "/s"})
		}
		o, _ := wire.Opaque{Raw: w.metrics.Raw}.Field("bandwidth")
		v, err := dump.Decode(o.Raw)
		if err != nil {
			continue
		}
		told, _ := v.(map[string]any)
		for _, what := range []string{"workers", "types"} {
			by, _ := told[what].(map[string]any)
			for _, name := range sortedKeys(by) {
				if rate, ok := by[name].(float64); ok {
					facts = append(facts, fact{fmt.Sprintf("to %s, %s %s", w.name, what[:len(what)-1], name), byteText(int64(rate)) + "/s"})
				}
			}
		}
	}
	return facts
}
