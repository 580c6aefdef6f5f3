package state

import "fmt"

// validateLeft checks that lists do not outlive what they are about: without tasks
// nothing of tasks is left, and without workers nothing of workers.
func (m *Machine) validateLeft() {
	left := func(what string, n, most int) {
		if n > most {
			m.fault("outlived what it is about: "+what, "")
		}
	}
	n := m.tasks.Len()
	left("groups", len(m.groups), n)
	left("limits", len(m.limits), n)
	left("queues", len(m.queues), len(m.limits))
	left("the bench", len(m.benched), len(m.limits))
	left("entries of the bench", len(m.parked.line)+len(m.parked.heap), 2*m.parked.live+128)
	left("steals", len(m.steals), m.counts[Processing])
	left("copies under way", len(m.copies), m.counts[Memory])
	left("the list of several copies", len(m.replicas.list), m.counts[Memory])
	left("the list of pinned results", len(m.pins.list), n)
	left("verdicts", len(m.verdicts), n+len(m.clients)*keptFailures)
	left("suspects", len(m.dog.suspects), maxSuspects)
	left("lost workers", len(m.gone), keptGone)
	left("failures", len(m.failed.ring), keptFailures)
	left("recommendations", len(m.stack)+len(m.ready), 0)
	left("orders", len(m.ordered), 0)
	left("open workers", len(m.open[openSlots])+len(m.open[openAhead]), len(m.list))
	for l := range m.benched {
		if l.parked == 0 || m.limits[l.id] != l {
			m.fault("on the bench without a task: "+l.id, "")
		}
	}
	for _, t := range m.pins.list {
		if m.tasks.Get(t.key) != t || t.pinned() < 2 {
			m.fault("listed as pinned, which it is not", t.key)
		}
	}
	if n == 0 && m.last != nil || len(m.limits) == 0 && m.lastLimit != nil {
		m.fault("a shortcut to what is there no more", "")
	}
	for _, l := range m.limits {
		if n := len(l.queue.line) + len(l.queue.heap); n > 2*l.queue.live+4200 {
			m.fault("too many dead entries in the queue of "+l.id, "")
		}
	}
	for _, g := range m.gone {
		if len(g.processing)+len(g.has)+len(g.fetch)+len(g.shed)+g.actors+g.going+g.retiring > 0 || g.awaited != 0 {
			m.fault(fmt.Sprintf("a lost worker is still accounted for: %s, %d tasks, %d results, %d+%d orders, %d actors, %d going, %d retiring, %d bytes",
				g.address, len(g.processing), len(g.has), len(g.fetch), len(g.shed), g.actors, g.going, g.retiring, g.awaited), "")
		}
	}
}
