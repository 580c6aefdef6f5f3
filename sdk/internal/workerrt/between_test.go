package workerrt

import (
	"testing"
	"testing/synctest"

	"github.com/gdask/gdask/sdk/wire"
)

// A value that is brought between two sessions is refused: the scheduler, told
// already what is here, would never learn of it.
func TestTakesNoValuesBetweenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, _ := s.start(Settings{NThreads: 1})
		data := wire.DataMap{{Key: wire.StrKey("x"), Value: wire.StringOpaque("v")}}
		var between any
		s.script(func() {
			s.greet = func(*wire.RegisterWorker) any {
				between = w.updateData(data)
				return &wire.RegisterWorkerReply{Status: "OK", HeartbeatInterval: 0.5}
			}
		})
		s.hangUp()
		s.joined()
		synctest.Wait()
		if _, refused := between.(*wire.Failure); !refused {
			t.Errorf("between the sessions it says %+v", between)
		}
		if w.m.Task(wire.StrKey("x")) != nil {
			t.Error("the value stays")
		}
		if r, ok := w.updateData(data).(*wire.UpdateDataReply); !ok || r.Status != "OK" {
			t.Errorf("back again it says %+v", r)
		}
	})
}
