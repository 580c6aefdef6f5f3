package state

import (
	"testing"
	"time"
)

// watched is a machine whose process may have 100 bytes.
func watched() *Machine {
	return New(Config{Memory: MemoryLimits{Target: 60, Spill: 70, Floor: 60, Pause: 80, Resume: 78}})
}

// look is a sample so many seconds after the start.
func look(seconds float64, process int64, status string) *MemorySample {
	return &MemorySample{Now: time.Duration(seconds * float64(time.Second)), Process: process, Status: status}
}

// collected is one after a collection.
func collected(seconds float64, process int64, status string) *MemorySample {
	s := look(seconds, process, status)
	s.Collected = time.Millisecond
	return s
}

func TestPausesWhenACollectionDoesNotHelp(t *testing.T) {
	m := watched()
	steps := []struct {
		sample *MemorySample
		want   MemoryOrders
	}{
		{look(0, 80, "running"), MemoryOrders{}},
		{look(1, 81, "running"), MemoryOrders{Collect: true}},
		{look(1.1, 85, "running"), MemoryOrders{}}, // it goes on
		{collected(1.2, 79, "running"), MemoryOrders{}},
		{look(2, 81, "running"), MemoryOrders{Collect: true}},
		{collected(2.1, 82, "running"), MemoryOrders{Status: "paused"}},
		{look(2.2, 82, "paused"), MemoryOrders{}}, // not again at once
		{look(3, 79, "paused"), MemoryOrders{Collect: true}},
		{collected(3.1, 78, "paused"), MemoryOrders{}},
		{look(3.2, 77, "paused"), MemoryOrders{Status: "running"}},
	}
	m.cfg.Memory.Spill = 0
	for i, s := range steps {
		if got := apply(t, m, s.sample).Memory; got != s.want {
			t.Fatalf("step %d: %+v, wants %+v", i, got, s.want)
		}
	}
}

func TestNoThresholdNoAction(t *testing.T) {
	m := New(Config{})
	stored(t, m, 1000)
	if o := apply(t, m, look(0, 1<<40, "running")); !o.Empty() {
		t.Errorf("%+v", o)
	}
}

// The process is too large: values go until it is below the floor, and not more
// of them than it needs.
func TestSpillsByProcessMemory(t *testing.T) {
	m := watched()
	m.cfg.Memory.Pause = 0
	stored(t, m, 6, 6, 6, 6, 6)
	if o := apply(t, m, look(0, 70, "running")); !o.Empty() {
		t.Errorf("at the threshold: %+v", o)
	}
	if o := apply(t, m, look(1, 72, "running")); !o.Memory.Collect || len(o.Spill) > 0 {
		t.Fatalf("first a collection: %+v", o)
	}
	o := apply(t, m, collected(1.1, 71, "running"))
	wantSpills(t, o, 0, 1)
	first, second := o.Spill[0], o.Spill[1]
	wantSpills(t, apply(t, m, look(1.2, 71, "running")))
	apply(t, m, &Spilled{Spill: first, Data: "a", Disk: 1}, &Spilled{Spill: second, Data: "b", Disk: 1})
	if o = apply(t, m, look(1.3, 71, "running")); !o.Empty() {
		t.Errorf("before the next collection: %+v", o)
	}
	if o = apply(t, m, look(2, 71, "running")); !o.Memory.Collect {
		t.Errorf("wants to see what that helped: %+v", o)
	}
	wantSpills(t, apply(t, m, collected(2.1, 65, "running")), 2) // below spill, above floor: goes on
	m.mem.leaving = 0
	m.Task(key(2)).place = pinned
	if apply(t, m, look(3, 60, "running")); m.mem.draining {
		t.Error("goes on below the floor")
	}
	if o = apply(t, m, look(4, 69, "running")); !o.Empty() {
		t.Errorf("starts again before the threshold: %+v", o)
	}
}

func TestWarnsSometimesWhenNothingIsLeft(t *testing.T) {
	m := watched()
	m.cfg.Memory.Pause = 0
	warned, widened := 0, 0
	for i := range 900 {
		o := apply(t, m, collected(float64(i), 75, "running")).Memory
		if o.Warn {
			warned++
		}
		if o.Heap == "wide" {
			widened++
		}
	}
	if warned != 3 || widened != 1 {
		t.Errorf("%d warnings in 15 minutes, %d times more room for the collector", warned, widened)
	}
	if o := apply(t, m, look(1000, 65, "running")); o.Memory.Heap != "" {
		t.Error("narrow above the floor")
	}
	if o := apply(t, m, look(1001, 60, "running")); o.Memory.Heap != "narrow" {
		t.Error("not narrow again")
	}
}
