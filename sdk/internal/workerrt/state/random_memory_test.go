package state

import (
	"time"
)

// disk plays the disk of a world.
type disk struct {
	spills []Spill
	files  map[*fakeFile]bool
	clock  time.Duration
}

type fakeFile struct{ n int }

func (w *world) file() *fakeFile {
	f := &fakeFile{w.step}
	w.files[f] = true
	return f
}

// orders takes what the machine says of the disk.
func (w *world) orders(o Output) {
	w.spills = append(w.spills, o.Spill...)
	for _, d := range o.Drop {
		f, ok := d.(*fakeFile)
		if !ok || !w.files[f] {
			w.t.Fatalf("step %d: %v is dropped, and is no file", w.step, d)
		}
		delete(w.files, f)
	}
}

// write ends a write, for good or not.
func (w *world) write() {
	s, ok := take(w, &w.spills)
	switch {
	case !ok:
	case w.rng.IntN(4) == 0:
		w.apply(&SpillFailed{Spill: s, Forever: w.rng.IntN(2) == 0})
	default:
		w.apply(&Spilled{Spill: s, Data: w.file(), Disk: 1 + s.Nbytes/2})
	}
}

// onDisk are the values that have files.
func (w *world) onDisk() (lost []Lost) {
	for i := range worldKeys {
		if t := w.m.Task(key(i)); t != nil && t.place == onDisk {
			lost = append(lost, Lost{Key: t.Key, From: t.Data})
		}
	}
	return lost
}

// unreadable is one of them, whose file cannot be read.
func (w *world) unreadable() []Lost {
	if all := w.onDisk(); len(all) > 0 {
		return all[:1]
	}
	return nil
}

func (w *world) randomMemory() {
	w.clock += time.Duration(w.rng.IntN(2000)) * time.Millisecond
	switch all := w.onDisk(); w.rng.IntN(5) {
	case 0, 1:
		w.write()
	case 2:
		e := &MemorySample{Now: w.clock, Process: int64(w.rng.IntN(60)), Status: []string{"running", "paused"}[w.rng.IntN(2)]}
		if w.rng.IntN(2) == 0 {
			e.Collected = time.Millisecond
		}
		w.apply(e)
	case 3:
		if len(all) > 0 {
			w.apply(&Unspilled{Key: all[0].Key, From: all[0].From, Data: 3})
		}
	case 4:
		if len(all) > 0 {
			w.apply(all[:1])
		}
	}
}

// left is what is counted of the present.
func (w *world) left() Stats {
	s := w.m.Stats()
	s.Reads, s.ReadBytes = 0, 0
	return s
}
