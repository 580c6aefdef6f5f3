package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// maxQueued bounds the messages that wait for a peer that does not read.
const maxQueued = 8 << 20

// ErrStreamClosed is the error of a stream after Close.
var ErrStreamClosed = errors.New("wire: stream closed")

// maxBatch is how many messages go into one frame: large enough to share its
// cost, small enough that the peer starts on the first while the rest travel.
const maxBatch = 4096

// Stream sends messages in batches over a Conn from a goroutine of its own:
// a message goes out at once when nothing is being written, and with all that
// piled up otherwise. No timer is involved.
type Stream struct {
	c    *Conn
	done chan struct{}

	mu      sync.Mutex
	wake    sync.Cond
	queue   []Msg
	closing bool
	say     bool
	err     error
}

// NewStream starts the writer. The caller keeps reading from c itself.
func NewStream(c *Conn) *Stream {
	s := &Stream{c: c, done: make(chan struct{})}
	s.wake.L = &s.mu
	go s.run()
	return s
}

// Send queues messages in order without blocking. After a write failed or the
// stream was closed they are dropped; Err says why.
func (s *Stream) Send(ms ...Msg) {
	if len(ms) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil || s.closing {
		return
	}
	if len(s.queue)+len(ms) > maxQueued {
		s.failLocked(fmt.Errorf("wire: %d messages wait for a peer that does not read; the limit is %d", len(s.queue), maxQueued))
		return
	}
	first := len(s.queue) == 0
	s.queue = append(s.queue, ms...)
	if first {
		s.wake.Signal()
	}
}

// Queued is how many messages wait for what is being written.
func (s *Stream) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// failLocked ends the stream; the reader sees the closed connection. What a peer
// said before it left, its good-bye above all, is still to be read: then the reader
// comes to the end by itself.
func (s *Stream) failLocked(err error) {
	s.err, s.queue = err, nil
	s.wake.Signal()
	if !isDead(err) {
		_ = s.c.Close() // the reader reports the end; the cause is err
	}
}

func (s *Stream) run() {
	defer close(s.done)
	for {
		ms, ok := s.next()
		if !ok {
			return
		}
		for len(ms) > 0 {
			n := min(len(ms), maxBatch)
			if err := s.c.SendBatch(ms[:n:n]); err != nil {
				s.mu.Lock()
				s.failLocked(err)
				s.mu.Unlock()
				return
			}
			ms = ms[n:]
		}
	}
}

// next waits for messages and takes all of them.
func (s *Stream) next() ([]Msg, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.closing && s.err == nil {
		s.wake.Wait()
	}
	if s.err != nil {
		return nil, false
	}
	ms := s.queue
	s.queue = nil
	if len(ms) == 0 && s.say {
		s.say = false
		return []Msg{&CloseStream{}}, true
	}
	return ms, len(ms) > 0
}

// Close writes what is queued, then "close-stream" when say is true, and ends
// the writer; ctx bounds the wait. The Conn is closed in any case.
func (s *Stream) Close(ctx context.Context, say bool) error {
	s.mu.Lock()
	if !s.closing {
		s.closing, s.say = true, say
	}
	s.wake.Signal()
	s.mu.Unlock()
	var err error
	select {
	case <-s.done:
	case <-ctx.Done():
		err = fmt.Errorf("wire: close stream: %w", context.Cause(ctx))
	}
	if cerr := s.c.Close(); err == nil {
		err = ignoreClosed(cerr)
	}
	<-s.done
	return err
}

// Done is closed when the writer has ended.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Err is the error that ended the writer, ErrStreamClosed after Close, or nil.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && s.closing {
		return ErrStreamClosed
	}
	return s.err
}
