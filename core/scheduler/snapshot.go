package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// snapshot is what the status page shows. It is made on the loop.
type snapshot struct {
	Address    string           `json:"address"`
	Time       float64          `json:"time"`
	Started    float64          `json:"started"`
	Threads    int              `json:"threads"`
	Clients    int              `json:"clients"`
	Saturation float64          `json:"saturation"`
	Longest    float64          `json:"longest_turn"` // seconds
	Bytes      int64            `json:"bytes"`
	Finished   int64            `json:"finished"` // tasks that ended well since the start
	Tasks      map[string]int   `json:"tasks"`
	Workers    []workerSnapshot `json:"workers"`
	Prefixes   []prefixSnapshot `json:"prefixes"`
}

type workerSnapshot struct {
	Address    string  `json:"address"`
	Name       string  `json:"name"`
	Status     string  `json:"status"`
	Threads    int     `json:"threads"`
	CPU        float64 `json:"cpu"`
	Memory     int64   `json:"memory"`
	Limit      int64   `json:"limit"`
	Processing int     `json:"processing"`
	InMemory   int     `json:"in_memory"`
	Silent     float64 `json:"silent"` // seconds since the last sign of life
}

type prefixSnapshot struct {
	Name   string         `json:"name"`
	States map[string]int `json:"states"`
}

// shownPrefixes bounds the progress bars of the status page.
const shownPrefixes = 50

func (l *loop) snapshot() *snapshot {
	now := time.Now()
	load := l.s.Load()
	st := l.stats()
	s := &snapshot{
		Address: l.s.Address(), Time: unixSeconds(now), Started: unixSeconds(l.s.started),
		Clients: len(l.clients), Saturation: load.Saturation, Longest: load.Longest.Seconds(),
		Bytes: st.Bytes, Finished: st.Finished, Tasks: st.Tasks,
		Workers: []workerSnapshot{}, Prefixes: []prefixSnapshot{},
	}
	for _, w := range l.sortedWorkers() {
		n, _ := l.m.Worker(w.address)
		s.Threads += w.reg.NThreads
		s.Workers = append(s.Workers, workerSnapshot{
			Address: w.address, Name: w.name, Status: w.status, Threads: w.reg.NThreads,
			CPU: w.metrics.CPU, Memory: w.metrics.Memory, Limit: int64(w.reg.MemoryLimit),
			Processing: n.Processing, InMemory: n.HasWhat,
			Silent: max(0, now.Sub(time.Unix(0, w.lastSeen.Load())).Seconds()),
		})
	}
	slices.SortStableFunc(s.Workers, func(a, b workerSnapshot) int { // names are mostly numbers
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	for _, p := range st.shown(shownPrefixes) {
		s.Prefixes = append(s.Prefixes, prefixSnapshot{p.Name, p.States})
	}
	return s
}

// counts are the figures of counts.json under Dask's names.
func (l *loop) counts() object {
	st := l.stats()
	hosts := map[string]bool{}
	cores := 0
	for _, w := range l.workers {
		hosts[hostOf(w.address)] = true
		cores += w.reg.NThreads
	}
	n := func(states ...string) (sum int) {
		for _, s := range states {
			sum += st.Tasks[s]
		}
		return sum
	}
	total := 0
	for _, c := range st.Tasks {
		total += c
	}
	return object{
		{"bytes", st.Bytes}, {"clients", len(l.clients)}, {"cores", cores}, {"erred", n("erred")},
		{"hosts", len(hosts)}, {"idle", st.Idle}, {"memory", n("memory")}, {"processing", n("processing")},
		{"released", n("released")}, {"saturated", st.Saturated}, {"tasks", total}, {"unrunnable", n("no-worker")},
		{"waiting", n("waiting")}, {"queued", n("queued")}, {"waiting_data", st.WaitingData},
		{"workers", len(l.workers)}, {"desired_workers", l.m.AdaptiveTarget(0)},
	}
}

// byteText shows a size to people.
func byteText(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
