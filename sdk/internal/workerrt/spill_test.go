package workerrt

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// point is a value that is not its natural form when it comes back encoded.
type point struct{ X, Y []int }

// hidden has no codec, and is large.
type hidden struct{ b [800]byte }

// inputOf is a task that returns an input as it gets it.
func inputOf(of string, t reflect.Type) func(context.Context, *Job) (any, error) {
	return func(_ context.Context, j *Job) (any, error) { return j.fetch(wire.StrKey(of), t) }
}

// smallMemory is a worker whose values may take 600 bytes of memory.
func smallMemory(t *testing.T, run works, process *atomic.Int64) (*Worker, *session) {
	t.Helper()
	s := newScheduler(t, memSet(t))
	return s.start(Settings{Run: run.run, MemoryLimit: 1000, Process: fakeProcess(process)})
}

func storageOf(t *testing.T, w *Worker) []string {
	t.Helper()
	return entriesOf(t, filepath.Join(w.LocalDirectory(), storageDir))
}

func entriesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range es {
		names = append(names, filepath.Join(dir, e.Name()))
	}
	return names
}

// scatter gives the worker a value that came encoded.
func scatter(t *testing.T, w *Worker, key string, value string) {
	t.Helper()
	w.updateData(wire.DataMap{{Key: wire.StrKey(key), Value: wire.StringOpaque(value)}})
}

func run(t *testing.T, ss *session, keys ...string) {
	t.Helper()
	for _, k := range keys {
		ss.send(compute(k))
		finished(t, ss, k)
	}
	synctest.Wait()
}

// onDisk says whether the value is on disk now.
func onDisk(w *Worker, key string) (is bool) {
	w.inbox.do(func() {
		if t := w.m.Task(wire.StrKey(key)); t != nil {
			_, is = t.Data.(*stored)
		}
	})
	return is
}

// TestValuesGoToDiskAndComeBack: for peers as for tasks, whether a value was made
// here or came encoded, and the files go with the keys.
func TestValuesGoToDiskAndComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &point{X: make([]int, 30), Y: []int{1}}
		w, ss := smallMemory(t, works{
			"a": value(a), "b": value(bytes.Repeat([]byte("b"), 250)), "c": value(bytes.Repeat([]byte("c"), 250)),
			"uses a": inputOf("a", reflect.TypeFor[*point]()), "uses r": inputOf("r", reflect.TypeFor[string]()),
		}, new(atomic.Int64))
		run(t, ss, "a")
		scatter(t, w, "r", strings.Repeat("r", 100))
		run(t, ss, "b", "c")
		if !onDisk(w, "a") || !onDisk(w, "r") || onDisk(w, "c") || len(storageOf(t, w)) != 2 {
			t.Fatalf("on disk: a %v, r %v, c %v; %v", onDisk(w, "a"), onDisk(w, "r"), onDisk(w, "c"), storageOf(t, w))
		}
		m := w.metrics()
		if m.SpilledMem <= 300 || m.SpilledDisk <= 100 || m.InMemory != 4 || m.Managed < 800 {
			t.Errorf("%+v", m)
		}
		if got := result[*point](t, w, "a"); !reflect.DeepEqual(got, a) {
			t.Errorf("a peer gets %v", got)
		}
		if !onDisk(w, "a") {
			t.Error("a peer's question brought it to memory")
		}
		ss.send(compute("uses a", on("a", w.Address())))
		finished(t, ss, "uses a")
		if got := result[*point](t, w, "uses a"); !reflect.DeepEqual(got, a) {
			t.Errorf("a task gets %v", got)
		}
		ss.send(compute("uses r", on("r", w.Address())))
		finished(t, ss, "uses r")
		if got := result[string](t, w, "uses r"); got != strings.Repeat("r", 100) {
			t.Errorf("a task gets %q", got)
		}
		ss.send(&wire.FreeKeys{Keys: []wire.Key{
			wire.StrKey("a"), wire.StrKey("b"), wire.StrKey("c"), wire.StrKey("r"), wire.StrKey("uses a"), wire.StrKey("uses r"),
		}})
		synctest.Wait()
		if left := storageOf(t, w); len(left) > 0 {
			t.Errorf("files of freed keys: %v", left)
		}
		if m := w.metrics(); m.SpilledMem != 0 || m.SpilledDisk != 0 || m.Managed != 0 {
			t.Errorf("%+v", m)
		}
	})
}

// A value read for a task is in memory again, and others go for it.
func TestValueReadForATaskIsInMemoryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := smallMemory(t, works{
			"a": value(make([]byte, 300)), "b": value(make([]byte, 300)),
			"uses a": func(_ context.Context, j *Job) (any, error) {
				_, err := j.fetch(wire.StrKey("a"), reflect.TypeFor[[]byte]())
				return nil, err
			},
		}, new(atomic.Int64))
		run(t, ss, "a", "b")
		if !onDisk(w, "a") {
			t.Fatal("not on disk")
		}
		ss.send(compute("uses a", on("a", w.Address())))
		finished(t, ss, "uses a")
		synctest.Wait()
		if onDisk(w, "a") || !onDisk(w, "b") || len(storageOf(t, w)) != 1 {
			t.Errorf("a on disk: %v, b: %v, files %v", onDisk(w, "a"), onDisk(w, "b"), storageOf(t, w))
		}
	})
}

func TestSpillsWhenTheProcessIsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var process atomic.Int64
		w, ss := smallMemory(t, works{"a": value(make([]byte, 200)), "b": value(make([]byte, 200))}, &process)
		run(t, ss, "a", "b")
		process.Store(750)
		<-time.After(400 * time.Millisecond) // long before a second collection may show that more must go
		synctest.Wait()
		if !onDisk(w, "a") || w.Status() != "running" {
			t.Fatalf("a on disk: %v; %s", onDisk(w, "a"), w.Status())
		}
		process.Store(600)
		<-time.After(2 * time.Second)
		synctest.Wait()
		if onDisk(w, "b") {
			t.Error("goes on spilling below the target")
		}
	})
}

func TestWarnsOfUnmanagedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var process atomic.Int64
		w, _ := smallMemory(t, works{}, &process)
		process.Store(750)
		<-time.After(10 * time.Minute)
		n := 0
		for _, l := range w.logs.last(0) {
			if strings.Contains(l.text, "unmanaged memory is high") {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d warnings in 10 minutes", n)
		}
	})
}

// A result beyond the target that has no codec fails its task; a smaller one stays
// in memory, which is said once.
func TestValuesWithoutCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := make(chan int)
		w, ss := smallMemory(t, works{
			"big": value(badCodec{size: 601}), "small": value(badCodec{size: 400}), "hidden": value(hidden{b: [800]byte{1}}),
			"x": value(make([]byte, 300)), "fine": value(make([]byte, 700)), "chan": value(none),
		}, new(atomic.Int64))
		ss.send(compute("big"))
		e := erred(t, ss, "big")
		for _, part := range []string{"601 bytes", "more than the 600", "distributed.worker.memory.target", "no codec today"} {
			if !strings.Contains(e.ExceptionText, part) {
				t.Errorf("%q does not say %q", e.ExceptionText, part)
			}
		}
		run(t, ss, "small", "x", "chan", "fine", "hidden")
		if onDisk(w, "small") || onDisk(w, "hidden") || !onDisk(w, "fine") {
			t.Errorf("on disk: small %v, hidden %v, fine %v", onDisk(w, "small"), onDisk(w, "hidden"), onDisk(w, "fine"))
		}
		<-time.After(10 * time.Second)
		said := 0
		for _, l := range w.logs.last(0) {
			if strings.Contains(l.text, "cannot go to disk") && strings.Contains(l.text, "badCodec") {
				said++
			}
		}
		if said != 1 {
			t.Errorf("said %d times", said)
		}
	})
}

// badCodec is as large as it says and cannot be encoded.
type badCodec struct{ size int64 }

func (b badCodec) SizeBytes() int64              { return b.size }
func (badCodec) MarshalBinary() ([]byte, error)  { return nil, errors.New("no codec today") }
func (*badCodec) UnmarshalBinary(_ []byte) error { return nil }

// TestUnreadableValue: what cannot be read is not here: a peer does not get it,
// a task that needs it waits, and the scheduler hears of it.
func TestUnreadableValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := smallMemory(t, works{
			"a": value(make([]byte, 300)), "b": value(make([]byte, 300)), "c": value(make([]byte, 300)),
			"uses a": inputOf("a", reflect.TypeFor[[]byte]()),
		}, new(atomic.Int64))
		run(t, ss, "a", "b", "c")
		for _, path := range storageOf(t, w) {
			if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ss.send(compute("uses a", on("a", w.Address())))
		if m := want[*wire.ReleaseWorkerData](ss); m.Key != wire.StrKey("a") {
			t.Errorf("%+v", m)
		}
		if m := want[*wire.RequestRefreshWhoHas](ss); len(m.Keys) != 1 || m.Keys[0] != wire.StrKey("a") {
			t.Errorf("%+v", m)
		}
		if r := askData(t, w, "b", "c"); len(r.Data) != 1 || r.Data[0].Key != wire.StrKey("c") {
			t.Errorf("a peer gets %+v", r)
		}
		if m := want[*wire.ReleaseWorkerData](ss); m.Key != wire.StrKey("b") {
			t.Errorf("%+v", m)
		}
		ss.send(compute("a")) // the scheduler has it computed again
		finished(t, ss, "a")
		finished(t, ss, "uses a")
	})
}

func TestDiskIsAsFullAsItMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := DefaultMemory()
		memory.MaxSpill, memory.Compression = 500, "none"
		w, ss := newScheduler(t, memSet(t)).start(Settings{
			MemoryLimit: 1000, Memory: &memory, Process: fakeProcess(new(atomic.Int64)),
			Run: func(context.Context, *Job) (any, error) { return make([]byte, 250), nil },
		})
		run(t, ss, "a", "b", "c", "d", "e")
		if n := len(storageOf(t, w)); n != 1 {
			t.Errorf("%d files", n)
		}
		before := len(w.logs.last(0))
		<-time.After(time.Minute)
		if tries := len(w.logs.last(0)) - before; tries < 2 || tries > 8 {
			t.Errorf("tried %d times in a minute", tries)
		}
		ss.send(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("a"), wire.StrKey("b")}})
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if s := w.stats.Load(); s.OnDisk != 1 || s.Managed-s.SpilledMemory > 600 {
			t.Errorf("after room was made: %+v", s)
		}
	})
}

func TestFalseSwitchesThresholdsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var process atomic.Int64
		process.Store(990)
		w, ss := newScheduler(t, memSet(t)).start(Settings{
			MemoryLimit: 1000, Memory: &Memory{}, Process: fakeProcess(&process),
			Run: func(context.Context, *Job) (any, error) { return make([]byte, 900), nil },
		})
		run(t, ss, "a", "b")
		<-time.After(time.Minute)
		if w.Status() != "running" || len(storageOf(t, w)) > 0 {
			t.Errorf("%s, %v", w.Status(), storageOf(t, w))
		}
	})
}

func TestWrongMemorySettings(t *testing.T) {
	s := newScheduler(t, memSet(t))
	for want, m := range map[string]Memory{
		"memory spill is 1.5": {Spill: 1.5}, "max-spill is -1": {MaxSpill: -1}, `"zip"`: {Compression: "zip"},
	} {
		_, err := Start(t.Context(), Settings{Scheduler: s.address, Transports: s.set, Memory: &m, LocalDirectory: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A value that alone is too large stays on disk while tasks use it, and what they
// read is gone with them.
func TestLargeValueIsReadWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := smallMemory(t, works{
			"big": value(bytes.Repeat([]byte("x"), 700)), "length": func(_ context.Context, j *Job) (any, error) {
				v, err := j.fetch(wire.StrKey("big"), reflect.TypeFor[[]byte]())
				b, _ := v.([]byte)
				return len(b), err
			},
		}, new(atomic.Int64))
		run(t, ss, "big")
		ss.send(compute("length", on("big", w.Address())))
		finished(t, ss, "length")
		if n := result[int](t, w, "length"); n != 700 {
			t.Errorf("length %d", n)
		}
		synctest.Wait()
		w.inbox.do(func() {
			h, ok := w.m.Task(wire.StrKey("big")).Data.(*stored)
			if !ok || h.value != nil || h.holders != 0 {
				t.Errorf("%+v", h)
			}
		})
	})
}
