package state

import (
	"container/heap"
	"strings"
)

// peer is another worker that has inputs.
type peer struct {
	address  string
	host     string
	has      map[*Task]struct{} // of those in Fetch, Flight or Missing
	needed   needHeap
	inFlight bool
	bytes    int64 // of the copy in flight
	busy     bool
}

// need is a wish at one peer; stale when the task's epoch moved on.
type need struct {
	t     *Task
	epoch uint32
	prio  Priority
}

type needHeap []need

func (h needHeap) Len() int           { return len(h) }
func (h needHeap) Less(i, j int) bool { return h[i].prio.less(&h[j].prio) }
func (h needHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *needHeap) Push(x any)        { *h = append(*h, x.(need)) }
func (h *needHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = need{}
	*h = old[:len(old)-1]
	return x
}

func (p *peer) push(t *Task) { heap.Push(&p.needed, need{t, t.epoch, t.prio}) }

// next is the most urgent wish; stale ones are thrown away.
func (p *peer) next() *need {
	for len(p.needed) > 0 {
		n := &p.needed[0]
		if n.t.State == Fetch && n.t.epoch == n.epoch {
			return n
		}
		heap.Pop(&p.needed)
	}
	return nil
}

func hostOf(address string) string {
	if i := strings.Index(address, "://"); i >= 0 {
		address = address[i+3:]
	}
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		return address[:i]
	}
	return address
}

func (m *Machine) peer(address string) *peer {
	p := m.peers[address]
	if p == nil {
		p = &peer{address: address, host: hostOf(address), has: make(map[*Task]struct{})}
		m.peers[address] = p
		m.peerList = append(m.peerList, p)
	}
	return p
}

// communicate starts copies from as many peers as the limits allow.
func (m *Machine) communicate() {
	for !m.paused && m.fetching > 0 && !m.throttled() {
		p := m.bestPeer()
		if p == nil {
			return
		}
		m.gather(p)
	}
}

// throttled says that enough is being copied: by bytes, or by peers when those
// are not small.
func (m *Machine) throttled() bool {
	if m.flights == 0 {
		return false
	}
	return m.flights >= m.cfg.MaxPeers && m.flightBytes >= m.cfg.ThrottleFrom ||
		m.cfg.TransferLimit > 0 && m.flightBytes >= m.cfg.TransferLimit
}

// bestPeer is the one with the most urgent wish, then on the same host, then
// with the most wishes, then any.
func (m *Machine) bestPeer() *peer {
	var best *peer
	ties := 1
	for _, p := range m.peerList {
		if p.inFlight || p.busy || p.next() == nil {
			continue
		}
		c := 1
		if best != nil {
			c = m.comparePeers(p, best)
		}
		switch {
		case c > 0:
			best, ties = p, 1
		case c == 0:
			if ties++; m.rng.IntN(ties) == 0 {
				best = p
			}
		}
	}
	return best
}

// comparePeers is positive when p is to be preferred to q.
func (m *Machine) comparePeers(p, q *peer) int {
	a, b := &p.needed[0].prio, &q.needed[0].prio
	switch {
	case a.less(b):
		return 1
	case b.less(a):
		return -1
	}
	if x, y := p.host == m.host, q.host == m.host; x != y {
		if x {
			return 1
		}
		return -1
	}
	return len(p.needed) - len(q.needed)
}

// gather asks one peer for its most urgent keys, up to the limit of a batch.
func (m *Machine) gather(p *peer) {
	g := Gather{Peer: p.address}
	limit := m.cfg.BatchBytes
	if l := m.cfg.TransferLimit; l > 0 {
		limit = min(limit, l-m.flightBytes)
	}
	for n := p.next(); n != nil; n = p.next() {
		t := n.t
		size := max(t.Nbytes, 1)
		if len(g.Keys) > 0 && g.Nbytes+size > limit {
			break
		}
		heap.Pop(&p.needed)
		m.fetching--
		t.epoch++
		t.from = p
		m.enter(t, Flight)
		g.Keys = append(g.Keys, t.Key)
		g.Nbytes += size
	}
	p.inFlight, p.bytes = true, g.Nbytes
	m.flights++
	m.flightBytes += g.Nbytes
	m.out.Gather = append(m.out.Gather, g)
}

func (m *Machine) peerRetry(address string) {
	if p := m.peers[address]; p != nil {
		p.busy = false
		m.tidy(p)
	}
}

// peerGone removes a peer as a source of everything.
func (m *Machine) peerGone(address string) {
	p := m.peers[address]
	if p == nil {
		return
	}
	lost := make([]*Task, 0, len(p.has))
	for t := range p.has {
		lost = append(lost, t)
	}
	sortTasks(lost)
	for _, t := range lost {
		m.dropSource(t, p)
		if t.State == Fetch && len(t.whoHas) == 0 {
			m.stopFetch(t)
			m.toMissing(t)
		}
	}
	p.needed = nil
	m.tidy(p)
}

// tidy forgets a peer that has nothing and does nothing.
func (m *Machine) tidy(p *peer) {
	if p.inFlight || p.busy || len(p.has) > 0 || p.next() != nil {
		return
	}
	delete(m.peers, p.address)
	for i, q := range m.peerList {
		if q == p {
			m.peerList = append(m.peerList[:i], m.peerList[i+1:]...)
			return
		}
	}
}
