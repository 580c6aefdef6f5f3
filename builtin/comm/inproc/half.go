package inproc

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// maxBytes is how much one direction buffers before a writer waits.
	maxBytes = 256 << 10
	// maxValues is the same in values. It is large: a value is one batch, and a
	// writer that waits is the way in which a slow reader is felt.
	maxValues = 1 << 14
)

// half is one direction of a connection: a bounded buffer of bytes beside a
// bounded queue of values. Both are read to their end after the writer closed.
type half struct {
	mu       sync.Mutex
	readable sync.Cond // bytes, values or an end; shared by byte and value readers, hence broadcast
	writable sync.Cond // room, or an end of waiting for writers

	bytes []byte // unread from bytes[off]
	off   int
	vals  ring

	eof          bool // the writing side closed
	broken       bool // the reading side closed
	readTimeout  deadline
	writeTimeout deadline
}

func newHalf() *half {
	h := &half{}
	h.readable.L, h.writable.L = &h.mu, &h.mu
	h.readTimeout.cond, h.writeTimeout.cond = &h.readable, &h.writable
	return h
}

// read fills p with what there is, at least one byte.
func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := h.readStopped(); err != nil {
			return 0, err
		}
		if len(p) == 0 {
			return 0, nil
		}
		if h.off < len(h.bytes) {
			n := copy(p, h.bytes[h.off:])
			h.off += n
			if h.off == len(h.bytes) {
				h.bytes, h.off = h.bytes[:0], 0
			}
			h.writable.Broadcast()
			return n, nil
		}
		if h.eof {
			return 0, io.EOF
		}
		h.readable.Wait()
	}
}

// write blocks until all of p is in the buffer.
func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := h.writeStopped(); err != nil {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
		if room := maxBytes - (len(h.bytes) - h.off); room > 0 {
			h.compact()
			k := min(room, len(p)-n)
			h.bytes = append(h.bytes, p[n:n+k]...)
			n += k
			h.readable.Broadcast()
			continue
		}
		h.writable.Wait()
	}
}

// compact moves the unread bytes to the front when most of the buffer is read.
func (h *half) compact() {
	if h.off > len(h.bytes)/2 {
		h.bytes = h.bytes[:copy(h.bytes, h.bytes[h.off:])]
		h.off = 0
	}
}

// send queues v.
func (h *half) send(v any) error {
	h.mu.Lock()
	for {
		if err := h.writeStopped(); err != nil {
			h.mu.Unlock()
			return err
		}
		if h.vals.n < maxValues {
			h.vals.push(v)
			h.mu.Unlock()
			h.readable.Broadcast()
			return nil
		}
		h.writable.Wait()
	}
}

// recv waits for a value.
func (h *half) recv() (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		if err := h.readStopped(); err != nil {
			return nil, err
		}
		if h.vals.n > 0 {
			if h.vals.n == maxValues {
				h.writable.Broadcast()
			}
			return h.vals.pop(), nil
		}
		if h.eof {
			return nil, io.EOF
		}
		h.readable.Wait()
	}
}

func (h *half) readStopped() error {
	switch {
	case h.broken:
		return net.ErrClosed
	case h.readTimeout.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (h *half) writeStopped() error {
	switch {
	case h.eof, h.broken:
		return net.ErrClosed
	case h.writeTimeout.passed:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// closeWrite lets the reader come to the end.
func (h *half) closeWrite() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.eof = true
	h.writeTimeout.stop()
	h.wakeAll()
}

// closeRead throws away what is unread.
func (h *half) closeRead() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken = true
	h.bytes, h.off, h.vals = nil, 0, ring{}
	h.readTimeout.stop()
	h.wakeAll()
}

func (h *half) wakeAll() {
	h.readable.Broadcast()
	h.writable.Broadcast()
}

func (h *half) setReadDeadline(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.broken {
		h.readTimeout.set(at)
	}
}

func (h *half) setWriteDeadline(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.eof {
		h.writeTimeout.set(at)
	}
}
