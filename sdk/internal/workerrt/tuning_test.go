package workerrt

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// TestTuning: each of the sizes and times has its effect.
func TestTuning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		var now, most atomic.Int32
		slow := func(n int, m *wire.GetData) any {
			defer now.Add(-1)
			most.Store(max(most.Load(), now.Add(1)))
			<-time.After(time.Second)
			return all(n, m)
		}
		one, two := newPeer(t, s.set, slow), newPeer(t, s.set, slow)
		w, ss := s.start(Settings{Run: inputs, Tuning: Tuning{
			LogLength: 2, StoryLength: 5, Outgoing: 1, MessageBytes: 10e6, PeerTimeout: time.Hour, ConnectTimeout: time.Second,
		}})
		deps := []wire.KeyAddress{on("a", one.address), on("b", one.address), on("c", two.address)}
		m := compute("sum", deps...)
		m.Nbytes = sizes(20e6, deps...)
		ss.send(m)
		finished(t, ss, "sum")
		if n := len(one.requests()); n != 2 {
			t.Errorf("2 keys of 20 MB were asked for in %d requests", n)
		}
		if n := most.Load(); n != 1 {
			t.Errorf("%d peers were asked at once", n)
		}
		for range 10 {
			w.logs.Info("a line")
		}
		if n := len(w.logs.last(0)); n != 2 {
			t.Errorf("%d lines of the log are kept", n)
		}
		w.inbox.do(func() {
			if n := len(w.m.Story()); n != 5 {
				t.Errorf("%d transitions are kept", n)
			}
		})
		if w.set.Wire.WriteTimeout != time.Hour {
			t.Errorf("a peer may read nothing for %v", w.set.Wire.WriteTimeout)
		}
		began := time.Now()
		if _, err := w.dial(t.Context(), "mem://nobody"); err == nil || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
