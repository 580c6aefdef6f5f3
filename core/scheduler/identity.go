package scheduler

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// identity is what a peer or a dashboard asks first. Made on the loop; limit
// is how many workers are described, -1 all.
func (l *loop) identity(limit int) object {
	workers := l.sortedWorkers()
	threads, memory := 0, int64(0)
	for _, w := range workers {
		threads += w.reg.NThreads
		memory += int64(w.reg.MemoryLimit)
	}
	if limit < 0 || limit > len(workers) {
		limit = len(workers)
	}
	described := make(object, 0, limit)
	for _, w := range workers[:limit] {
		described = append(described, field{w.address, w.identity()})
	}
	return object{
		{"type", "Scheduler"}, {"id", l.s.id}, {"address", l.s.Address()},
		{"services", l.s.services()}, {"started", unixSeconds(l.s.started)},
		{"n_workers", len(workers)}, {"total_threads", threads}, {"total_memory", memory},
		{"workers", described},
	}
}

// identity describes one worker under Dask's names.
func (w *workerPeer) identity() object {
	name, services := w.reg.Name, w.reg.Services
	var named any = &name
	if name.IsNil() {
		named = w.name
	}
	var served any = &services
	if services.IsNil() {
		served = object{}
	}
	var nanny any
	if w.nanny != "" {
		nanny = w.nanny
	}
	measured, _ := w.metrics.MarshalMsg(nil) // never fails
	resources := object{}
	for _, r := range sortedKeys(w.reg.Resources) {
		resources = append(resources, field{r, w.reg.Resources[r]})
	}
	out := object{
		{"type", "Worker"}, {"id", named}, {"host", hostOf(w.address)}, {"resources", resources},
		{"local_directory", w.reg.LocalDirectory}, {"name", named}, {"nthreads", w.reg.NThreads},
		{"memory_limit", int64(w.reg.MemoryLimit)}, {"last_seen", unixSeconds(time.Unix(0, w.lastSeen.Load()))},
		{"services", served}, {"metrics", &wire.Opaque{Raw: measured}}, {"status", w.status}, {"nanny", nanny},
	}
	return append(out, w.extra(out)...)
}

// extra is what a worker told of itself at its registration, beside Dask's fields.
func (w *workerPeer) extra(known object) (more object) {
	fields, err := splitMap(encoded(w.reg.Extra))
	if err != nil {
		return nil
	}
	for _, name := range sortedKeys(fields) {
		if known.get(name) == nil {
			v := fields[name]
			more = append(more, field{name, &v})
		}
	}
	return more
}

func (l *loop) sortedWorkers() []*workerPeer {
	ws := make([]*workerPeer, 0, len(l.workers))
	for _, w := range l.workers {
		ws = append(ws, w)
	}
	slices.SortFunc(ws, func(a, b *workerPeer) int {
		if c := a.joined.Compare(b.joined); c != 0 {
			return c
		}
		return strings.Compare(a.address, b.address)
	})
	return ws
}

func sortedKeys[V any](m map[string]V) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// services are the ports of this scheduler's other servers.
func (s *Scheduler) services() object {
	if port := s.dashboardPort(); port > 0 {
		return object{{"dashboard", port}}
	}
	return object{}
}

// Identity is the JSON that a scheduler file holds: address, id, services and
// the workers of this moment.
func (s *Scheduler) Identity(ctx context.Context) ([]byte, error) {
	var o object
	if err := s.loop.do(ctx, func() { o = s.loop.identity(-1) }); err != nil {
		return nil, err
	}
	return json.MarshalIndent(o, "", "  ")
}

func (c *call) identity() (any, error) {
	limit := int(c.float("n_workers", -1))
	var o object
	err := c.s.loop.do(c.ctx, func() { o = c.s.loop.identity(limit) })
	return &tree{o}, err
}
