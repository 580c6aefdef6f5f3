package coord

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// check compares what the machine keeps twice and what must never be.
func (m *Machine) check() error {
	lines := map[Ticket]int{}
	wishes := map[string]map[wire.Key]int{}
	want := func(client string, rs ...Record) {
		for _, r := range rs {
			if r.Key == "" {
				continue
			}
			if wishes[client] == nil {
				wishes[client] = map[wire.Key]int{}
			}
			wishes[client][r.Key]++
		}
	}
	for _, q := range m.queues {
		if q.items.len() > 0 && q.getters.len() > 0 {
			return fmt.Errorf("queue %s: %d items and %d that wait for one", q.name, q.items.len(), q.getters.len())
		}
		if q.putters.len() > 0 && (q.max <= 0 || q.items.len() < q.max) {
			return fmt.Errorf("queue %s: %d of %d items and %d that wait for room", q.name, q.items.len(), q.max, q.putters.len())
		}
		want(q.client(), q.items.all()...)
		for _, g := range q.getters.all() {
			lines[g.Ticket]++
			want(q.client(), g.got...)
		}
		for _, p := range q.putters.all() {
			lines[p.Ticket]++
			want(q.client(), p.record)
		}
	}
	for _, v := range m.variables {
		want(v.client(), v.record)
		for _, g := range v.getters {
			lines[g.Ticket]++
		}
		if v.set && len(v.getters) > 0 || !v.set && len(v.getters) == 0 {
			return fmt.Errorf("variable %s: set %v, %d wait", v.name, v.set, len(v.getters))
		}
	}
	for _, f := range m.flags {
		for _, w := range f.waiters {
			lines[w.Ticket]++
		}
		if f.set == (len(f.waiters) > 0) {
			return fmt.Errorf("event %s: set %v, %d wait", f.name, f.set, len(f.waiters))
		}
	}
	if err := m.checkSemaphores(lines); err != nil {
		return err
	}
	if err := m.checkLocks(lines); err != nil {
		return err
	}
	for p, os := range m.passing {
		for range os {
			want(p.client, Record{Key: p.key})
		}
	}
	for _, t := range m.tokens {
		want(t.client, Record{Key: t.key})
	}
	if fmt.Sprint(wishes) != fmt.Sprint(m.wishes) {
		return fmt.Errorf("wishes %v, want %v", m.wishes, wishes)
	}
	for t, n := range lines {
		if m.waiting[t] == nil || n > 1 {
			return fmt.Errorf("ticket %d stands in %d lines and waits for %v", t, n, m.waiting[t])
		}
	}
	if len(lines) != len(m.waiting) {
		return fmt.Errorf("%d stand in lines, %d wait", len(lines), len(m.waiting))
	}
	return nil
}

func (m *Machine) checkSemaphores(lines map[Ticket]int) error {
	for _, s := range m.semaphores {
		if len(s.leases) > s.max || s.line.len() > 0 && len(s.leases) < s.max || len(s.asked) != s.line.len() {
			return fmt.Errorf("semaphore %s: %d of %d leases, %d wait", s.name, len(s.leases), s.max, s.line.len())
		}
		for _, a := range s.line.all() {
			if s.asked[a.lease] != a.Ticket {
				return fmt.Errorf("semaphore %s: ticket %d waits for lease %s, listed is %d", s.name, a.Ticket, a.lease, s.asked[a.lease])
			}
			lines[a.Ticket]++
		}
	}
	return nil
}

func (m *Machine) checkLocks(lines map[Ticket]int) error {
	for l, users := range m.locks {
		if len(users) == 0 {
			return fmt.Errorf("lock %s has an empty line", l)
		}
		for i, r := range users {
			if m.requests[r.id] != r || !slices.Contains(r.locks, l) || r.done && i > 0 {
				return fmt.Errorf("lock %s: request %s is at place %d, done %v", l, r.id, i, r.done)
			}
		}
	}
	for _, r := range m.requests {
		first := 0
		for _, l := range r.locks {
			if m.locks[l][0] == r {
				first++
			}
		}
		if !r.done {
			lines[r.Ticket]++
			if r.need < 1 {
				return fmt.Errorf("multi-lock %s needs %d more and waits", r.id, r.need)
			}
		} else if first != len(r.locks) {
			return fmt.Errorf("multi-lock %s holds %d of %d locks", r.id, first, len(r.locks))
		}
	}
	return nil
}

func (m *Machine) empty() error {
	n := len(m.queues) + len(m.variables) + len(m.flags) + len(m.semaphores) + len(m.locks) + len(m.requests) +
		len(m.waiting) + len(m.held) + len(m.ended) + len(m.wishes) + len(m.passing) + len(m.tokens) + len(m.gone)
	if n > 0 {
		return fmt.Errorf("left over: %+v", m)
	}
	return nil
}

func mustCheck(t *testing.T, m *Machine) {
	t.Helper()
	if err := m.check(); err != nil {
		t.Fatal(err)
	}
}
