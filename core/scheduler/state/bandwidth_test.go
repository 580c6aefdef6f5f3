package state

import (
	"math"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestBandwidthFollowsTheWorkers(t *testing.T) {
	for name, c := range map[string]struct {
		workers  []string
		measured []float64
		want     float64
	}{
		"one worker is believed at once": {[]string{"w"}, []float64{3e6}, 3e6},
		"two count half each":            {[]string{"w", "v"}, []float64{200e6, 50e6}, 100e6},
		"nothing measured":               {[]string{"w"}, []float64{0}, 100e6},
		"absurd":                         {[]string{"w"}, []float64{-1, nan, inf, -inf, 1e300, 0.5}, 100e6},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.join(c.workers...)
			for _, b := range c.measured {
				s.do(Heartbeat{Address: "w", Metrics: wire.Metrics{Bandwidth: b}})
			}
			if got := s.m.Bandwidth(); math.Abs(got-c.want) > 1 {
				t.Errorf("%v bytes/s, want %v", got, c.want)
			}
		})
	}
}

// A slow network has tasks stay with their inputs.
func TestPlacementKnowsTheBandwidth(t *testing.T) {
	for name, c := range map[string]struct {
		bandwidth float64
		want      string
	}{"fast": {1e9, "v"}, "slow": {1e6, "w"}} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, sendAll)
			s.join("w", "v")
			s.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: ks("in")[0], Addresses: []string{"w"}}},
				Nbytes: wire.KeySizes{{Key: ks("in")[0], Nbytes: 10e6}}})
			for range 2 {
				s.do(Heartbeat{Address: "w", Metrics: wire.Metrics{Bandwidth: c.bandwidth}})
				s.do(Heartbeat{Address: "v", Metrics: wire.Metrics{Bandwidth: c.bandwidth}})
			}
			s.submit("a x", onWorker("a", "w"), "x<-in")
			if got := s.where("x"); got != c.want {
				t.Errorf("x is on %s, want %s", got, c.want)
			}
		})
	}
}
