package suite

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

// scheduler is a scheduler, and a peer that holds data, which does only what a
// case tells it: workers register with it and get the messages of the case.
type scheduler struct {
	set      *comm.Set
	ln       comm.Listener
	pool     *wire.Pool
	sessions *record[*session]
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[*wire.Conn]struct{} // nil: closed
	byAddr map[string]*session
	data   map[wire.Key]wire.Opaque // values that it holds for workers
	asked  map[wire.Key]int         // how often they were asked for
}

// heartbeat is the interval that workers are told, in seconds.
const heartbeat = 0.1

// newScheduler listens on loopback until the end of the case.
func (e *env) newScheduler(ctx context.Context) (*scheduler, error) {
	set, err := comm.NewSet(comm.TCP())
	if err != nil {
		return nil, err
	}
	ln, err := set.Listen(ctx, "tcp://127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &scheduler{
		set: set, ln: ln, sessions: newRecord[*session](), conns: map[*wire.Conn]struct{}{},
		byAddr: map[string]*session{}, data: map[wire.Key]wire.Opaque{}, asked: map[wire.Key]int{},
	}
	s.pool = wire.NewPool(func(ctx context.Context, address string) (net.Conn, error) { return set.Dial(ctx, address) }, wire.Settings{}, 0)
	s.wg.Go(s.accept)
	e.atEnd(s.close)
	return s, nil
}

func (s *scheduler) address() string { return s.ln.ContactAddress() }

func (s *scheduler) close() error {
	_ = s.ln.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	err := s.pool.Close()
	s.wg.Wait()
	return err
}

func (s *scheduler) accept() {
	for {
		nc, err := s.ln.Accept()
		if err != nil {
			return
		}
		s.wg.Go(func() { s.serve(nc) })
	}
}

// serve is one connection: requests until a worker makes it its stream.
func (s *scheduler) serve(nc net.Conn) {
	c, err := wire.NewConn(context.Background(), nc, wire.Settings{}) // bounded by the handshake's own timeout
	if err != nil {
		return
	}
	if !s.track(c) {
		return
	}
	defer s.untrack(c)
	for {
		in, err := c.Recv()
		if err != nil || in.Close {
			return
		}
		if len(in.Msgs) == 0 { // the "OK" after get_data
			continue
		}
		if m, ok := in.Msgs[0].(*wire.RegisterWorker); ok {
			s.register(c, m)
			return
		}
		if answer := s.answer(in.Msgs[0]); in.Reply && c.SendValue(answer) != nil {
			return
		}
	}
}

func (s *scheduler) track(c *wire.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *scheduler) untrack(c *wire.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.Close()
}

// answer is what a scheduler of which nothing was asked says.
func (s *scheduler) answer(m wire.Msg) any {
	switch m := m.(type) {
	case *wire.HeartbeatWorker:
		s.mu.Lock()
		w := s.byAddr[m.Address]
		s.mu.Unlock()
		if w == nil {
			return simple(map[string]any{"status": "missing"})
		}
		w.beats.add(m)
		return simple(map[string]any{"status": "OK", "time": now(), "heartbeat-interval": heartbeat})
	case *wire.GetData:
		return s.getData(m)
	}
	if m.Op() == "retire_workers" { // there is nobody to take over
		return simple(map[string]any{})
	}
	return wire.FailureOf(fmt.Errorf("the scheduler of the suite has no operation %q", m.Op()))
}

// hold keeps a value for workers that need it.
func (s *scheduler) hold(k wire.Key, v wire.Opaque) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[k] = v
}

// fetched is how often workers asked for a value.
func (s *scheduler) fetched(k wire.Key) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[k]
}

func (s *scheduler) getData(m *wire.GetData) *wire.GetDataReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &wire.GetDataReply{Status: "OK", Data: wire.DataMap{}}
	for _, k := range m.Keys {
		s.asked[k]++
		if v, ok := s.data[k]; ok {
			r.Data = append(r.Data, wire.DataItem{Key: k, Value: v})
		}
	}
	return r
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e9 }

// simple encodes a map of simple values.
func simple(m map[string]any) any {
	o, err := wire.OpaqueOf(m)
	if err != nil {
		return wire.FailureOf(err)
	}
	return o
}
