package workerrt

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// lostInputs are those whose files could not be read; several goroutines of a
// task may find out.
type lostInputs struct {
	mu   sync.Mutex
	lost []state.Lost
}

func (l *lostInputs) add(one state.Lost) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, one)
}

func (l *lostInputs) get() []state.Lost {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// input is an input as a t. One that is on disk is read, and is then in memory
// for other tasks as well.
func (j *Job) input(d *dep, t reflect.Type) (any, error) {
	h, ok := d.value.(*stored)
	if !ok {
		return valueAs(d.value, t)
	}
	v, err := h.get()
	if err != nil {
		j.lost.add(j.w.giveUp(d.key, h, err))
		return nil, fmt.Errorf("worker: input %s of task %s: %w", d.key, j.key, err)
	}
	j.w.inbox.post(&state.Unspilled{Key: d.key, From: h, Data: v})
	return valueAs(v, t)
}

// letGo says that the job needs its inputs' files no more.
func (j *Job) letGo() {
	if j.lost == nil {
		return
	}
	for i := range j.deps {
		if h, ok := j.deps[i].value.(*stored); ok {
			h.release()
		}
	}
}
