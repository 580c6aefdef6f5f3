package state

import (
	"slices"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// stored are values of so many bytes, stored one after the other.
func stored(t *testing.T, m *Machine, sizes ...int64) (o Output) {
	t.Helper()
	for i, n := range sizes {
		o = apply(t, m, &UpdateData{Items: []Item{{Key: key(i), Data: i, Nbytes: n}}})
	}
	return o
}

func spillKeys(o Output) (ks []wire.Key) {
	for _, s := range o.Spill {
		ks = append(ks, s.Key)
	}
	return ks
}

func wantSpills(t *testing.T, o Output, want ...int) {
	t.Helper()
	var ks []wire.Key
	for _, i := range want {
		ks = append(ks, key(i))
	}
	if got := spillKeys(o); !slices.Equal(got, ks) {
		t.Fatalf("writes %q, wants %q", got, ks)
	}
}

func targetOf(n int64) *Machine { return New(Config{Memory: MemoryLimits{Target: n}}) }

func TestOldestValuesGoToDiskBeyondTheTarget(t *testing.T) {
	m := targetOf(100)
	wantSpills(t, stored(t, m, 40, 40, 20))
	o := apply(t, m, &UpdateData{Items: []Item{{Key: key(3), Data: 3, Nbytes: 50}}})
	wantSpills(t, o, 0, 1)
	s := o.Spill[0]
	if s.Data != 0 || s.Nbytes != 40 {
		t.Errorf("%+v", s)
	}
	apply(t, m, &Spilled{Spill: s, Data: "file", Disk: 7})
	if st := m.Stats(); st.OnDisk != 1 || st.SpilledMemory != 40 || st.SpilledDisk != 7 || st.InMemory != 4 || st.Managed != 150 {
		t.Errorf("%+v", st)
	}
	if d := m.Task(key(0)); d.State != Memory || d.Data != "file" {
		t.Errorf("%s %v", d.State, d.Data)
	}
	if o := apply(t, m, &wire.FreeKeys{Keys: []wire.Key{key(0)}}); !slices.Equal(o.Drop, []any{"file"}) {
		t.Errorf("the file is kept: %v", o.Drop)
	}
}

func TestInputsOfTasksAreRecentlyUsed(t *testing.T) {
	m := targetOf(100)
	stored(t, m, 40, 40)
	apply(t, m, task(9, 0, at(0)))
	wantSpills(t, apply(t, m, &UpdateData{Items: []Item{{Key: key(3), Data: 3, Nbytes: 50}}}), 1)
	if s := m.Stats(); s.Reads != 1 || s.ReadBytes != 40 {
		t.Errorf("%+v", s)
	}
}

// One value beyond the target does not push everything else out.
func TestValueBeyondTheTargetGoesItself(t *testing.T) {
	m := targetOf(100)
	stored(t, m, 40, 40)
	wantSpills(t, apply(t, m, &UpdateData{Items: []Item{{Key: key(3), Data: 3, Nbytes: 101}}}), 3)
}

func TestValueThatCannotBeWrittenStays(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 30, 30)
	wantSpills(t, o, 0)
	wantSpills(t, apply(t, m, &SpillFailed{Spill: o.Spill[0], Forever: true}), 1)
	apply(t, m, &MemorySample{Now: lastBackOff})
	wantSpills(t, apply(t, m, &UpdateData{Items: []Item{{Key: key(4), Data: 4, Nbytes: 20}}}), 2)
}

func TestFullDiskIsTriedAgainLater(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 60, 60)
	wantSpills(t, o, 1) // the first went when the second came
	wantSpills(t, apply(t, m, &SpillFailed{Spill: o.Spill[0]}))
	stored := &UpdateData{Items: []Item{{Key: key(4), Data: 4, Nbytes: 60}}}
	wantSpills(t, apply(t, m, stored))
	wantSpills(t, apply(t, m, &MemorySample{Now: firstBackOff - 1}))
	o = apply(t, m, &MemorySample{Now: firstBackOff})
	if len(o.Spill) != 0 {
		t.Fatal("tried while another write is under way")
	}
}

func TestBackOffGrowsAndOneWriteProbes(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 60)
	apply(t, m, &SpillFailed{Spill: o.Spill[0]})
	stored := []Item{{Key: key(2), Data: 2, Nbytes: 60}, {Key: key(3), Data: 3, Nbytes: 60}}
	apply(t, m, &UpdateData{Items: stored})
	o = apply(t, m, &MemorySample{Now: firstBackOff})
	wantSpills(t, o, 1)
	apply(t, m, &SpillFailed{Spill: o.Spill[0]})
	wantSpills(t, apply(t, m, &MemorySample{Now: 2 * firstBackOff}))
	o = apply(t, m, &MemorySample{Now: 3 * firstBackOff})
	wantSpills(t, o, 0)
	apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1})
	wantSpills(t, apply(t, m, &MemorySample{Now: 3 * firstBackOff}), 2, 3)
}

func TestValueFreedWhileItIsWritten(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 60)
	apply(t, m, &wire.FreeKeys{Keys: []wire.Key{key(0)}}, &UpdateData{Items: []Item{{Key: key(0), Data: "new", Nbytes: 1}}})
	o = apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1})
	if !slices.Equal(o.Drop, []any{"file"}) || m.Task(key(0)).Data != "new" {
		t.Errorf("drops %v, has %v", o.Drop, m.Task(key(0)).Data)
	}
}

func TestValueReadBackIsRecentlyUsed(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 50)
	apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1})
	o = apply(t, m, &Unspilled{Key: key(0), From: "file", Data: "value"})
	if !slices.Equal(o.Drop, []any{"file"}) || m.Task(key(0)).Data != "value" {
		t.Errorf("drops %v, has %v", o.Drop, m.Task(key(0)).Data)
	}
	wantSpills(t, o, 1)
	if o = apply(t, m, &Unspilled{Key: key(0), From: "file", Data: "again"}); m.Task(key(0)).Data != "value" || len(o.Drop) > 0 {
		t.Error("read back twice")
	}
}

func TestValueBeyondTheTargetStaysOnDisk(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 40, 101)
	wantSpills(t, o, 1)
	apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1})
	o = apply(t, m, &Unspilled{Key: key(1), From: "file", Data: "value"})
	if !o.Empty() || m.Task(key(1)).Data != "file" {
		t.Errorf("%+v, has %v", o, m.Task(key(1)).Data)
	}
}

// A task whose input cannot be read waits for it anew, and the scheduler hears
// that it is not here.
func TestLostInput(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 50)
	apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1}, task(9, 0, at(0)))
	o = apply(t, m, &Done{Key: key(9), Lost: []Lost{{Key: key(0), From: "file"}}})
	if r := sent[*wire.ReleaseWorkerData](t, o); r.Key != key(0) {
		t.Errorf("%+v", r)
	}
	if r := sent[*wire.RequestRefreshWhoHas](t, o); !slices.Equal(r.Keys, []wire.Key{key(0)}) {
		t.Errorf("%+v", r)
	}
	if state(m, 9) != Waiting || state(m, 0) != Missing || !slices.Equal(o.Drop, []any{"file"}) {
		t.Errorf("%s, %s, drops %v", state(m, 9), state(m, 0), o.Drop)
	}
	o = apply(t, m, &wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{at(0, peerA)}})
	if len(o.Gather) != 1 {
		t.Errorf("not fetched from who has it: %+v", o)
	}
}

func TestLostValue(t *testing.T) {
	m := targetOf(100)
	o := stored(t, m, 60, 50)
	apply(t, m, &Spilled{Spill: o.Spill[0], Data: "file", Disk: 1})
	if o = apply(t, m, []Lost{{Key: key(0), From: "another"}}); len(o.Send) > 0 {
		t.Error("lost by a stale file")
	}
	sent[*wire.ReleaseWorkerData](t, apply(t, m, []Lost{{Key: key(0), From: "file"}}))
	if state(m, 0) != Forgotten {
		t.Error(state(m, 0))
	}
}

func TestResultThatIsOnDiskAlready(t *testing.T) {
	m := targetOf(100)
	apply(t, m, task(1, 0))
	o := apply(t, m, &Done{Key: key(1), Data: "file", Nbytes: 500, Disk: 9})
	if f := sent[*wire.TaskFinished](t, o); f.Nbytes != 500 || len(o.Spill) > 0 || m.Stats().SpilledDisk != 9 {
		t.Errorf("%+v, %+v", f, m.Stats())
	}
	apply(t, m, task(2, 0), &wire.FreeKeys{Keys: []wire.Key{key(2)}})
	if o = apply(t, m, &Done{Key: key(2), Data: "file2", Nbytes: 500, Disk: 9}); !slices.Equal(o.Drop, []any{"file2"}) {
		t.Errorf("a cancelled task's file stays: %v", o.Drop)
	}
}
