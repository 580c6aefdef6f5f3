package workerrt

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

func TestSpeedIsLearnedFromLargeTransfers(t *testing.T) {
	for name, c := range map[string]struct {
		nbytes int64
		took   time.Duration
		want   float64
	}{
		"small":     {1_000_000, time.Second, 0},
		"slow":      {2_000_000, time.Second, 100e6 * 0.951},
		"fast":      {2_000_000, 10 * time.Millisecond, 105e6},
		"no time":   {2_000_000, 0, 195e6}, // no transfer is believed to take less than 1 ms
		"clock set": {2_000_000, -time.Hour, 195e6},
	} {
		var s speed
		s.add(c.nbytes, c.took)
		if got := s.get(); math.Abs(got-c.want) > 1 {
			t.Errorf("%s: %v bytes/s, want %v", name, got, c.want)
		}
	}
}

// A heartbeat says nothing of the network until something was measured.
func TestHeartbeatsTellTheBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, func(_ int, m *wire.GetData) any {
			<-time.After(10 * time.Millisecond) // of the bubble: the transfer
			o, err := task.EncodeValue(strings.Repeat("x", 2_000_000))
			if err != nil {
				return err
			}
			return &wire.GetDataReply{Status: "OK", Data: wire.DataMap{{Key: m.Keys[0], Value: o}}}
		})
		_, ss := s.start(Settings{Run: inputs})
		if b := s.beaten().Metrics.Bandwidth; b != 0 {
			t.Errorf("before any transfer: %v bytes/s", b)
		}
		ss.send(compute("sum", on("a", p.address)))
		finished(t, ss, "sum")
		for { // heartbeats from before are still unread
			if b := s.beaten().Metrics.Bandwidth; b != 0 {
				if math.Abs(b-105e6) > 1e5 {
					t.Errorf("after 2 MB in 10 ms: %v bytes/s", b)
				}
				return
			}
		}
	})
}
