package wire

import (
	"encoding/binary"
	"net"
	"slices"
	"time"
)

const (
	// splitBytes is the size from which on an out-of-band frame ends the leading
	// region, so that Python keeps the frame in a buffer of its own.
	splitBytes = 64 << 10
	// joinBytes is the size below which an out-of-band frame is copied beside its
	// neighbours: cheaper than an entry of a gathering write.
	joinBytes = 8 << 10
	// writeStep is how much is written under one deadline, so that a slow peer is
	// not taken for a frozen one.
	writeStep = 16 << 20
	// keepBuffer is the size up to which the write buffer is used again: one
	// large message must not pin its size.
	keepBuffer = 1 << 20
)

// frameWriter puts a message into frames: frame 0 and small frames in one
// buffer, large ones where they are.
type frameWriter struct {
	out    []byte
	frames [][]byte // out-of-band frames of the message
	cuts   []int    // ends, in out, of the bytes before each large frame
	large  [][]byte
	iov    [][]byte
	bufs   net.Buffers
	place  func(*Opaque) // takes an Opaque's frames; made once to save an allocation

	deadline time.Time
}

func newFrameWriter() *frameWriter {
	w := &frameWriter{}
	w.place = func(o *Opaque) {
		if len(o.Frames) > 0 {
			o.base = 1 + len(w.frames)
			w.frames = append(w.frames, o.Frames...)
		}
	}
	return w
}

// collect takes the frames of a message or value that is about to be encoded.
func (w *frameWriter) collect(v any) {
	if c, ok := v.(Carrier); ok {
		c.EachOpaque(w.place)
	}
}

// begin returns the buffer to which frame 0 is to be appended; all frames must
// have been collected.
func (w *frameWriter) begin() []byte {
	n := w.headBytes()
	w.out = slices.Grow(w.out[:0], n+512)[:n]
	return w.out
}

func (w *frameWriter) headBytes() int { return 16 + 8*(1+len(w.frames)) }

// end completes the message whose frame 0 is at the end of b.
func (w *frameWriter) end(b []byte) {
	head := w.headBytes()
	first := len(b) - head
	binary.LittleEndian.PutUint64(b[8:], uint64(1+len(w.frames)))
	binary.LittleEndian.PutUint64(b[16:], uint64(first))
	region, open := head-8+first, true
	for i, f := range w.frames {
		binary.LittleEndian.PutUint64(b[24+8*i:], uint64(len(f)))
		if open = open && len(f) < splitBytes; open {
			region += len(f)
		}
		if len(f) < joinBytes {
			b = append(b, f...)
			continue
		}
		w.cuts = append(w.cuts, len(b))
		w.large = append(w.large, f)
	}
	binary.LittleEndian.PutUint64(b, uint64(region))
	w.out = b
}

// reset forgets the message.
func (w *frameWriter) reset() {
	clear(w.frames)
	clear(w.large)
	clear(w.iov)
	w.frames, w.large, w.iov, w.cuts, w.bufs = w.frames[:0], w.large[:0], w.iov[:0], w.cuts[:0], nil
	if cap(w.out) > keepBuffer {
		w.out = nil
	}
	if cap(w.frames) > maxBuffer {
		w.frames, w.large, w.iov, w.cuts = nil, nil, nil, nil
	}
}

// flush writes the message. No step of it may take longer than timeout.
func (w *frameWriter) flush(nc net.Conn, timeout time.Duration) error {
	if len(w.large) == 0 && len(w.out) <= writeStep {
		if err := w.arm(nc, timeout); err != nil {
			return err
		}
		_, err := nc.Write(w.out)
		return err
	}
	w.gather()
	for at := 0; at < len(w.iov); {
		end, sum := at, 0
		for end < len(w.iov) && sum < writeStep {
			sum += len(w.iov[end])
			end++
		}
		if err := w.arm(nc, timeout); err != nil {
			return err
		}
		w.bufs = w.iov[at:end]
		if _, err := w.bufs.WriteTo(nc); err != nil {
			return err
		}
		at = end
	}
	return nil
}

// gather lists the pieces of the message in order, none larger than writeStep.
func (w *frameWriter) gather() {
	from := 0
	for i, f := range w.large {
		w.add(w.out[from:w.cuts[i]])
		w.add(f)
		from = w.cuts[i]
	}
	w.add(w.out[from:])
}

func (w *frameWriter) add(b []byte) {
	for len(b) > writeStep {
		w.iov = append(w.iov, b[:writeStep])
		b = b[writeStep:]
	}
	if len(b) > 0 {
		w.iov = append(w.iov, b)
	}
}

// arm sets the write deadline unless it is far enough away: setting it for each
// small message would cost more than encoding one.
func (w *frameWriter) arm(nc net.Conn, timeout time.Duration) error {
	now := time.Now()
	if w.deadline.Sub(now) > timeout-timeout/8 {
		return nil
	}
	w.deadline = now.Add(timeout)
	return nc.SetWriteDeadline(w.deadline)
}
