package scheduler

import (
	"math"
	"testing"

	"github.com/gdask/gdask/core/scheduler/state"
)

func TestPagesShowRoundNumbers(t *testing.T) {
	for s, want := range map[float64]string{8.4763254: "8.476s", 0.2825414: "282.541ms", 0.000089: "89µs", 0: "0s", 7: "7s", 90.0004: "1m30s"} {
		if got := secondsText(s); got != want {
			t.Errorf("%g s is shown as %s, want %s", s, got, want)
		}
	}
	for least, want := range map[float64]float64{0.21: 0.5, 1: 1, 1.01: 2, 6: 10, 350: 500} {
		if got := roundStep(least); got != want {
			t.Errorf("the step from %g on is %g, want %g", least, got, want)
		}
	}
	if got := priorityText([3]float64{math.Copysign(0, -1), 2, -0.5}); got != "0, 2, -0.5" {
		t.Errorf("priority %s", got)
	}
	if got := sizeText(&state.TaskInfo{State: state.Waiting, Nbytes: 1024}); got != "" {
		t.Errorf("a task without a result has the size %s", got)
	}
}
