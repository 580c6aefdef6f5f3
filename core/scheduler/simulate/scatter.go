package simulate

import (
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// scatter brings a value of the client's own to workers.
func (c *client) scatter() {
	w := c.w
	d := &def{name: fmt.Sprintf("data-%d", len(w.oracle.list)), data: true, mayVanish: true, nbytes: int64(w.rng.IntN(5000))}
	w.oracle.add(d)
	w.after(w.delay(), func() { w.sched.scatter(c, d) })
}

// scatter deals the value out to running workers and enters it as the client's.
func (s *scheduler) scatter(c *client, d *def) {
	targets := s.running()
	s.w.rng.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	targets = targets[:min(len(targets), 1+s.w.rng.IntN(2))]
	var have []*session
	left := len(targets)
	for _, ses := range targets {
		n, answered := ses.worker, false
		end := func(ok bool) {
			if answered {
				if ok { // too late
					s.discard(d, []*session{ses})
				}
				return
			}
			answered = true
			if ok {
				have = append(have, ses)
			}
			if left--; left == 0 {
				s.scattered(c, d, have)
			}
		}
		s.w.after(patience, func() { end(false) })
		s.w.after(s.w.delay(), func() {
			n.post(func() {
				took := n.take([]workertest.Item{{Key: d.key, Data: d.value, Nbytes: d.nbytes}})
				s.w.after(s.w.delay(), func() { end(took) })
			})
		})
	}
}

// take stores values that are brought to a worker. Without a session it takes
// none: the scheduler would not learn of them when it is back.
func (n *worker) take(items []workertest.Item) bool {
	if n.link == nil {
		return false
	}
	n.apply(&workertest.UpdateData{Items: items})
	return true
}

// scattered enters what workers have got, and tells the client, whose future
// begins then.
func (s *scheduler) scattered(c *client, d *def, have []*session) {
	var addresses []string
	for i, ses := range have {
		if ses.gone { // one that came back may have been told to drop what nobody had entered
			s.discard(d, have[i:i+1])
			continue
		}
		addresses = append(addresses, ses.worker.address)
	}
	if s.clients[c.id] == nil || len(addresses) == 0 {
		s.discard(d, have)
		return
	}
	s.apply(state.UpdateData{
		Client: c.id, WhoHas: wire.KeyAddresses{{Key: d.key, Addresses: addresses}},
		Nbytes: wire.KeySizes{{Key: d.key, Nbytes: d.nbytes}},
	})
	s.w.after(s.w.delay(), func() {
		c.post(func() {
			e := c.want(d)
			e.blurred = true // reports may have come before
			c.say(state.ClientDesiresKeys{Client: c.id, Keys: []wire.Key{d.key}})
			c.say(state.ReportKey{Client: c.id, Key: d.key})
		})
	})
}

// discard takes a value back that was scattered for nobody: entered for no
// client, it goes when the workers say that they have it.
func (s *scheduler) discard(d *def, have []*session) {
	for _, ses := range have {
		if ses = s.sessions[ses.worker.address]; ses != nil {
			s.tell(ses, &wire.FreeKeys{Keys: []wire.Key{d.key}})
		}
	}
}

func (s *scheduler) running() (r []*session) {
	for _, ses := range s.list {
		if i, ok := s.m.Worker(ses.worker.address); ok && i.Status == "running" {
			r = append(r, ses)
		}
	}
	return r
}
