package workerrt

import (
	"maps"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// executor is the slots: goroutines that take jobs from one queue. They are
// started when there is work for them, up to the limit, and then stay.
type executor struct {
	mu      sync.Mutex
	wake    sync.Cond
	queue   []*Job
	head    int // queue[:head] are taken
	idle    int
	slots   int
	limit   int
	closed  bool
	running map[*Job]uint64 // to the number of the slot's goroutine
	wg      sync.WaitGroup
}

func newExecutor(limit int) *executor {
	e := &executor{limit: limit, running: make(map[*Job]uint64, limit)}
	e.wake.L = &e.mu
	return e
}

// submit queues jobs without waiting.
func (e *executor) submit(jobs []*Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	if e.head > 0 && len(e.queue)+len(jobs) > cap(e.queue) {
		n := copy(e.queue, e.queue[e.head:])
		clear(e.queue[n:])
		e.queue, e.head = e.queue[:n], 0
	}
	e.queue = append(e.queue, jobs...)
	waiting := len(e.queue) - e.head
	for range min(e.idle, waiting) {
		e.wake.Signal()
	}
	for n := waiting - e.idle; n > 0 && e.slots < e.limit; n-- {
		e.slots++
		e.wg.Go(e.slot)
	}
}

// slot runs jobs until there are too many slots or the executor closes.
func (e *executor) slot() {
	var last *Job
	id := goroutineID()
	clean := false
	defer func() {
		if !clean { // a function called runtime.Goexit
			e.lostSlot(last)
		}
	}()
	for {
		j := e.next(last, id)
		if j == nil {
			clean = true
			return
		}
		last = j
		j.execute()
	}
}

// next waits for a job; nil ends the slot. last is what the slot ran before,
// id the number of its goroutine.
func (e *executor) next(last *Job, id uint64) *Job {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last != nil {
		delete(e.running, last)
	}
	for {
		if e.closed || e.slots > e.limit {
			e.slots--
			return nil
		}
		if e.head < len(e.queue) {
			j := e.queue[e.head]
			e.queue[e.head] = nil
			e.head++
			if e.head == len(e.queue) {
				e.queue, e.head = e.queue[:0], 0
			}
			e.running[j] = id
			return j
		}
		e.idle++
		e.wake.Wait()
		e.idle--
	}
}

// lostSlot replaces a slot whose goroutine a function ended.
func (e *executor) lostSlot(j *Job) {
	e.mu.Lock()
	delete(e.running, j)
	if !e.closed && e.slots <= e.limit {
		e.wg.Go(e.slot)
	} else {
		e.slots--
	}
	e.mu.Unlock()
	j.finish(time.Unix(0, j.began.Load()), nil, errGoexit)
}

// beside runs f in a goroutine that close waits for, but in no slot; false when
// it is too late.
func (e *executor) beside(f func()) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.wg.Go(f)
	return true
}

// grow and shrink change the number of slots by one.
func (e *executor) grow() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limit++
	if e.head < len(e.queue) && e.slots < e.limit && !e.closed {
		e.slots++
		e.wg.Go(e.slot)
	}
}

func (e *executor) shrink() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.limit--
	e.wake.Signal()
}

// durations are the keys of running jobs and how many seconds they run, as
// heartbeats say it.
func (e *executor) durations(now time.Time) wire.Opaque {
	e.mu.Lock()
	defer e.mu.Unlock()
	raw := msgp.AppendMapHeader(make([]byte, 0, 32*len(e.running)+5), uint32(len(e.running)))
	for j := range e.running {
		raw = append(raw, j.key...)
		ran := 0.0
		if began := j.began.Load(); began > 0 {
			ran = float64(now.UnixNano()-began) / 1e9
		}
		raw = msgp.AppendFloat64(raw, ran)
	}
	return wire.Opaque{Raw: raw}
}

// goroutines are the running jobs and the numbers of their goroutines.
func (e *executor) goroutines() map[*Job]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.running)
}

func (e *executor) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// close takes no more jobs, cancels those that run with err and returns a
// channel that is closed when all slots have ended.
func (e *executor) close(err error) <-chan struct{} {
	e.mu.Lock()
	e.closed = true
	e.queue, e.head = nil, 0
	running := make([]*Job, 0, len(e.running))
	for j := range e.running {
		running = append(running, j)
	}
	e.wake.Broadcast()
	e.mu.Unlock()
	for _, j := range running {
		j.ctx.cancel(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the last slot; a function that ignores its context keeps both
		e.wg.Wait()
		close(ended)
	}()
	return ended
}
