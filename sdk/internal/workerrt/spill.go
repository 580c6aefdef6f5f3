package workerrt

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/internal/workerrt/storage"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// storageDir is the directory of values in a worker's local directory.
const storageDir = "storage"

// spiller writes values to disk and removes files, one after the other in a
// goroutine of its own: neither tasks nor heartbeats wait for the disk.
type spiller struct {
	w     *Worker
	store *storage.Store
	wake  chan struct{}

	mu     sync.Mutex
	todo   []state.Spill
	drops  []*stored
	silent map[string]bool // types whose values cannot be written, and of which that was said
	banned map[reflect.Type]bool
}

func newSpiller(w *Worker) *spiller {
	m := w.set.Memory
	return &spiller{
		w: w, wake: make(chan struct{}, 1), silent: make(map[string]bool), banned: make(map[reflect.Type]bool),
		store: storage.New(storage.Settings{
			Dir: filepath.Join(w.dir.path, storageDir), MaxBytes: m.MaxSpill, Compress: !strings.EqualFold(m.Compression, "none"),
		}),
	}
}

// add takes orders of the machine without waiting.
func (s *spiller) add(todo []state.Spill, drops []any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.todo = append(s.todo, todo...)
	for _, d := range drops {
		if h, ok := d.(*stored); ok {
			s.drops = append(s.drops, h)
		}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run works until the worker ends; the directory then goes with its files.
func (s *spiller) run() {
	for {
		select {
		case <-s.w.ctx.Done():
			return
		case <-s.wake:
		}
		for s.step() && s.w.ctx.Err() == nil {
		}
	}
}

// step does the next piece of work; false when there is none. Removals come
// first: they make room.
func (s *spiller) step() bool {
	s.mu.Lock()
	drops := s.drops
	s.drops = nil
	var next *state.Spill
	if len(drops) == 0 && len(s.todo) > 0 {
		first := s.todo[0]
		next, s.todo[0] = &first, state.Spill{}
		if s.todo = s.todo[1:]; len(s.todo) == 0 {
			s.todo = nil
		}
	}
	s.mu.Unlock()
	for _, h := range drops {
		h.drop()
	}
	if next != nil {
		s.spill(next)
	}
	return next != nil || len(drops) > 0
}

// spill writes a value and tells the machine what became of it.
func (s *spiller) spill(order *state.Spill) {
	h, err := s.write(order.Data)
	_, never := errors.AsType[*task.CodecError](err)
	switch {
	case err == nil:
		s.w.inbox.post(&state.Spilled{Spill: *order, Data: h, Disk: h.file.Size()})
	case never:
		s.unwritable(order, err)
		s.w.inbox.post(&state.SpillFailed{Spill: *order, Forever: true})
	default:
		s.w.logs.Error("a value could not be written to disk and stays in memory; trying again later", "key", order.Key.String(), "bytes", order.Nbytes, "error", err)
		s.w.inbox.post(&state.SpillFailed{Spill: *order})
	}
}

// unwritable says once for each type that its values stay in memory.
func (s *spiller) unwritable(order *state.Spill, err error) {
	s.mu.Lock()
	said := s.silent[order.Type]
	s.silent[order.Type] = true
	s.mu.Unlock()
	if !said {
		s.w.logs.Warn("values of this type cannot go to disk and stay in memory", "type", order.Type, "key", order.Key.String(), "error", err)
	}
}

// write writes a value; a *task.CodecError says that it never can be.
func (s *spiller) write(v any) (*stored, error) {
	h := &stored{by: s}
	var o wire.Opaque
	switch v := v.(type) {
	case *remote:
		o = v.o
	case wire.Opaque:
		o, h.typ = v, opaqueType
	default:
		var err error
		if o, err = s.encode(v); err != nil {
			return nil, err
		}
		h.typ = task.FaithfulType(v)
	}
	var err error
	h.file, err = s.store.Write(o)
	return h, err
}

func (s *spiller) encode(v any) (wire.Opaque, error) {
	if err := task.Faithful(v); err != nil {
		return wire.Opaque{}, err
	}
	if s.isBanned(task.FaithfulType(v)) {
		return wire.Opaque{}, &task.CodecError{Type: typeName(v), Why: "another one could not be decoded"}
	}
	start := time.Now()
	o, err := task.EncodeValue(v)
	if err != nil {
		return o, &task.CodecError{Type: typeName(v), Why: err.Error()}
	}
	s.store.Meter().Add(storage.Serialize, int64(len(o.Raw)), time.Since(start))
	return o, nil
}

// straightToDisk writes a result that alone is larger than all values in memory
// may be, before anybody hears of it. When it never can be written, that is the
// task's failure; when the disk is full it stays in memory.
func (w *Worker) straightToDisk(d *state.Done) {
	if w.target <= 0 || d.Nbytes <= w.target {
		return
	}
	h, err := w.spiller.write(d.Data)
	if err == nil {
		d.Data, d.Disk = h, h.file.Size()
		return
	}
	if _, never := errors.AsType[*task.CodecError](err); !never {
		w.logs.Error("a large result could not be written to disk and stays in memory", "key", d.Key.String(), "bytes", d.Nbytes, "error", err)
		return
	}
	if _, err := task.EncodeValue(d.Data); err != nil {
		text := fmt.Sprintf("worker: the result has %d bytes, more than the %d that values may take in memory (distributed.worker.memory.target), "+
			"and cannot go to disk: %s; raise the memory limit, or return it in parts", d.Nbytes, w.target, err)
		*d = state.Done{Key: d.Key, Start: d.Start, Stop: d.Stop, Failure: failureOf(text, err)}
	}
}

// ban keeps values of a type in memory from now on: one of them could not be
// decoded again.
func (s *spiller) ban(t reflect.Type) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.banned[t] = true
}

func (s *spiller) isBanned(t reflect.Type) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.banned[t]
}

// giveUp notes that a value's file cannot be read: the machine takes back that it
// is here, and the scheduler has it computed again.
func (w *Worker) giveUp(key wire.Key, h *stored, err error) state.Lost {
	w.logs.Error("a value on disk cannot be read and is given up", "key", key.String(), "error", err)
	return state.Lost{Key: key, From: h}
}
