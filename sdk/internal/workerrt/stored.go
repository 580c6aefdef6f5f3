package workerrt

import (
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/storage"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// stored stands for a value that is on disk. Who reads it holds it meanwhile:
// its file stays until nobody does.
type stored struct {
	file *storage.File
	typ  reflect.Type // to decode to; nil for a value that came encoded
	by   *spiller

	mu      sync.Mutex
	holders int
	dropped bool

	load  sync.Mutex // held while it is being read
	value any        // once it was read as a value
}

// hold keeps the file until the next release.
func (h *stored) hold() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holders++
}

// release ends a hold. What was read does not outlive the last one: the value may
// stay on disk.
func (h *stored) release() {
	h.mu.Lock()
	h.holders--
	idle := h.holders == 0
	last := h.dropped && idle
	if idle {
		h.value = nil // nobody is left who reads
	}
	h.mu.Unlock()
	if last {
		h.remove()
	}
}

// drop says that the value is not wanted any more.
func (h *stored) drop() {
	h.mu.Lock()
	h.dropped = true
	last := h.holders == 0
	h.mu.Unlock()
	if last {
		h.remove()
	}
}

func (h *stored) remove() {
	if err := h.file.Remove(); err != nil {
		h.by.w.logs.Warn("a value's file cannot be removed", "error", err)
	}
}

// opaque is the value as it is on disk.
func (h *stored) opaque() (wire.Opaque, error) { return h.file.Read() }

// get reads the value; the holders share one reading.
func (h *stored) get() (any, error) {
	h.load.Lock()
	defer h.load.Unlock()
	if h.value != nil {
		return h.value, nil
	}
	o, err := h.file.Read()
	if err != nil {
		return nil, err
	}
	v, err := h.decode(o)
	if err == nil {
		h.value = v
	}
	return v, err
}

func (h *stored) decode(o wire.Opaque) (any, error) {
	switch h.typ {
	case nil:
		return &remote{o: o}, nil
	case opaqueType:
		return o, nil
	}
	start := time.Now()
	v, err := task.DecodeValue(o, h.typ)
	h.by.store.Meter().Add(storage.Deserialize, h.file.Size(), time.Since(start))
	if err != nil {
		h.by.ban(h.typ)
		return nil, fmt.Errorf("worker: a value that was written cannot be decoded again: %w", err)
	}
	return v, nil
}

var opaqueType = reflect.TypeFor[wire.Opaque]()
