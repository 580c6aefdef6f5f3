package service

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"

	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

// maxEnded is how many ended workers a process remembers for its watchers.
const maxEnded = 256

// entry is one worker of the process. Its fields belong to the table's lock; run
// is set once, before others can find the entry.
type entry struct {
	id    string
	stop  context.CancelCauseFunc // ends the joining
	name  string
	addr  string
	state workerv1.WorkerState
	err   string
	run   Running
	late  bool // joined when the plugin was shutting down already
}

// table is what the process knows of its workers.
type table struct {
	mu       sync.Mutex
	entries  []*entry // in the order of their start
	next     int
	closed   bool
	watchers int
	changed  chan struct{} // closed and replaced at every change
}

func newTable() *table { return &table{changed: make(chan struct{})} }

var errClosing = errors.New("start: the plugin is shutting down")

// add enters a worker that is about to join.
func (t *table) add(name string, stop context.CancelCauseFunc) (*entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosing
	}
	t.next++
	e := &entry{id: strconv.Itoa(t.next), stop: stop, name: name, state: workerv1.WorkerState_WORKER_STATE_STARTING}
	t.entries = append(t.entries, e)
	t.bumpLocked()
	return e, nil
}

// settled enters the end of a worker of which nobody said how its joining went.
func (t *table) settled(e *entry) {
	t.mu.Lock()
	starting := e.state == workerv1.WorkerState_WORKER_STATE_STARTING
	t.mu.Unlock()
	if starting {
		t.ended(e, errors.New("start: the worker class panicked"))
	}
}

// joined enters what runs and watches for its end.
func (t *table) joined(e *entry, run Running) error {
	name, address := run.Name(), run.Address() // the author's code, so not under the lock
	t.mu.Lock()
	defer t.mu.Unlock()
	e.run, e.name, e.addr = run, name, address
	e.state = workerv1.WorkerState_WORKER_STATE_RUNNING
	go t.follow(e, run) // ends with the worker
	t.bumpLocked()
	if t.closed {
		e.late = true
		return errClosing
	}
	return nil
}

// statuses is a worker that tells what it does.
type statuses interface {
	Watch(ctx context.Context) iter.Seq[string]
}

// follow enters the states of a worker until it has ended.
func (t *table) follow(e *entry, run Running) {
	if s, ok := run.(statuses); ok {
		for status := range s.Watch(context.Background()) { // ends with the worker
			t.set(e, stateOf(status))
		}
	}
	<-run.Done()
	t.ended(e, run.Err())
}

func stateOf(status string) workerv1.WorkerState {
	switch status {
	case "paused":
		return workerv1.WorkerState_WORKER_STATE_PAUSED
	case "closing_gracefully", "closing", "closed":
		return workerv1.WorkerState_WORKER_STATE_DRAINING
	}
	return workerv1.WorkerState_WORKER_STATE_RUNNING
}

// set enters a state of a worker that has not ended.
func (t *table) set(e *entry, s workerv1.WorkerState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.state != workerv1.WorkerState_WORKER_STATE_EXITED && e.state != s {
		e.state = s
		t.bumpLocked()
	}
}

// ended enters the end of a worker and forgets the oldest ends.
func (t *table) ended(e *entry, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.state, e.late = workerv1.WorkerState_WORKER_STATE_EXITED, false
	if err != nil {
		e.err = err.Error()
	}
	over := -maxEnded
	for _, x := range t.entries {
		if x.state == workerv1.WorkerState_WORKER_STATE_EXITED {
			over++
		}
	}
	kept := t.entries[:0]
	for _, x := range t.entries {
		if over > 0 && x.state == workerv1.WorkerState_WORKER_STATE_EXITED {
			over--
			continue
		}
		kept = append(kept, x)
	}
	clear(t.entries[len(kept):])
	t.entries = kept
	t.bumpLocked()
}

// find returns a worker that has joined and not ended, or nil.
func (t *table) find(id string) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if e.id == id && e.run != nil && e.state != workerv1.WorkerState_WORKER_STATE_EXITED {
			return e
		}
	}
	return nil
}

// snapshot returns all workers and a channel that is closed at the next change.
func (t *table) snapshot() (infos []*workerv1.WorkerInfo, changed <-chan struct{}, closed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		infos = append(infos, &workerv1.WorkerInfo{Id: e.id, Name: e.name, Address: e.addr, State: e.state, Error: e.err})
	}
	return infos, t.changed, t.closed && t.quietLocked()
}

// quietLocked reports whether nothing runs.
func (t *table) quietLocked() bool { return t.runningLocked() == 0 }

func (t *table) runningLocked() (n int) {
	for _, e := range t.entries {
		if e.state != workerv1.WorkerState_WORKER_STATE_EXITED {
			n++
		}
	}
	return n
}

// watch counts a watcher until the function that it returns is called.
func (t *table) watch() (left func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.watchers--
		t.bumpLocked()
	}
}

// stopAll refuses new workers, ends the joining of some and stops all others. When
// it returns nil, watchers have been sent the ends of all of them, unless one that
// takes nothing used up the time.
func (t *table) stopAll(ctx context.Context, reason string) error {
	t.mu.Lock()
	t.closed = true
	t.bumpLocked()
	for _, e := range t.entries {
		if e.state == workerv1.WorkerState_WORKER_STATE_STARTING {
			e.stop(errClosing)
		}
	}
	runs := t.runsLocked()
	t.mu.Unlock()
	errs := make([]error, len(runs)+1)
	var wg sync.WaitGroup
	for i, run := range runs {
		wg.Go(func() { errs[i] = run.Stop(ctx, reason) })
	}
	errs[len(runs)] = t.none(ctx, t.joiningLocked, "still joining")
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := t.none(ctx, t.runningLocked, "stopped, and yet have not ended"); err != nil {
		return err
	}
	_ = t.none(ctx, func() int { return t.watchers }, "watched") // the workers have ended all the same
	return nil
}

// runsLocked are the workers that have joined and not ended.
func (t *table) runsLocked() (runs []Running) {
	for _, e := range t.entries {
		if e.run != nil && e.state != workerv1.WorkerState_WORKER_STATE_EXITED {
			runs = append(runs, e.run)
		}
	}
	return runs
}

// joiningLocked counts the workers that are joining. One that has joined all the
// same is stopped by its starter.
func (t *table) joiningLocked() (n int) {
	for _, e := range t.entries {
		if e.state == workerv1.WorkerState_WORKER_STATE_STARTING || e.late {
			n++
		}
	}
	return n
}

// none waits until countLocked is 0; what says what is counted.
func (t *table) none(ctx context.Context, countLocked func() int, what string) error {
	for {
		t.mu.Lock()
		n, changed := countLocked(), t.changed
		t.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("stop: %d workers are %s: %w", n, what, context.Cause(ctx))
		}
	}
}

// bumpLocked tells watchers that something changed.
func (t *table) bumpLocked() {
	close(t.changed)
	t.changed = make(chan struct{})
}
