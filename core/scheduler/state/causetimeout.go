package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// noWorkerInTime says that no worker could run a task for longer than the
// no-workers-timeout: for Python the exception that Dask raises then.
func (m *Machine) noWorkerInTime(t *task) *cause {
	c := m.noValidWorker(t)
	seconds := fmt.Sprintf("F%g\n", m.c.NoWorkersTimeout.Seconds())
	pickle := "cdistributed.scheduler\nNoWorkerError\n(V" + pickleText(t.key.String()) + "\n" + seconds + "tR."
	class := "NoWorkerError"
	if l := t.limits; len(l.workers) > 0 || len(l.resources) > 0 {
		var hosts, workers []string
		for _, w := range l.workers {
			if strings.Contains(w, "://") {
				workers = append(workers, w)
			} else {
				hosts = append(hosts, w)
			}
		}
		class = "NoValidWorkerError"
		pickle = "cdistributed.scheduler\nNoValidWorkerError\n(V" + pickleText(t.key.String()) + "\n" +
			pickleSet(hosts) + pickleSet(workers) + pickleNumbers(l.resources) + seconds + "tR."
	}
	text := fmt.Sprintf("%s: waited for %v: %s", class, m.c.NoWorkersTimeout, strings.TrimPrefix(c.exceptionText, "RuntimeError: "))
	return pickled(t.key, pickle, text)
}

// pickleSet is a set of texts in protocol 0.
func pickleSet(items []string) string {
	var b strings.Builder
	b.WriteString("cbuiltins\nset\n((l")
	for _, s := range items {
		b.WriteString("V" + pickleText(s) + "\na")
	}
	b.WriteString("tR")
	return b.String()
}

// pickleNumbers is a dict from texts to numbers in protocol 0.
func pickleNumbers(m map[string]float64) string {
	var b strings.Builder
	b.WriteString("(d")
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "V%s\nF%g\ns", pickleText(k), m[k])
	}
	return b.String()
}
