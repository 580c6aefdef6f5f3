package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// firstBuffer and maxBuffer bound the read buffer: it grows once a peer fills it.
	firstBuffer = 4 << 10
	maxBuffer   = 64 << 10
	// slabFrame is the size below which frames share memory with their
	// neighbours, slabBytes how much memory that is at most.
	slabFrame = 4 << 10
	slabBytes = 32 << 10
	// readStep is how far ahead of the bytes that have come a frame's memory is
	// allocated. Growing means to copy, which costs a fresh frame of 100 MB a third
	// of its speed; untouched memory costs a liar's victim little.
	readStep = 256 << 20
)

// frameReader cuts the bytes of a connection into frames. Many small messages
// come with one read of the connection; large frames are read to their place.
type frameReader struct {
	src     io.Reader
	limits  Limits
	buf     []byte // buf[r:w] has come and is not consumed
	r, w    int
	first   []byte // frame 0 of a message with more frames
	lengths []uint64
	frames  [][]byte
}

// next reads one message. The slice is valid until the next call, frame 0 too
// when shared is true; the other frames are the caller's.
func (fr *frameReader) next() (frames [][]byte, shared bool, err error) {
	if fr.r == fr.w {
		fr.r, fr.w = 0, 0
	}
	if err := fr.fill(16); err != nil {
		if fr.r == fr.w {
			return nil, false, err // between messages: possibly a clean end
		}
		return nil, false, unexpected(err)
	}
	total := binary.LittleEndian.Uint64(fr.buf[fr.r:])
	n := binary.LittleEndian.Uint64(fr.buf[fr.r+8:])
	fr.r += 16
	if err := fr.readLengths(n); err != nil {
		return nil, false, unexpected(err)
	}
	if err := checkRegion(total, fr.lengths); err != nil {
		return nil, false, err
	}
	fr.frames = fr.frames[:0]
	if shared, err = fr.readFirst(); err == nil {
		err = fr.readRest()
	}
	return fr.frames, shared, unexpected(err)
}

// forget drops the references to the last message's frames.
func (fr *frameReader) forget() {
	clear(fr.frames)
	fr.frames = fr.frames[:0]
	if cap(fr.frames) > maxBuffer {
		fr.frames, fr.lengths = nil, nil
	}
}

// readLengths reads the table; its memory grows as it comes.
func (fr *frameReader) readLengths(n uint64) error {
	if n == 0 {
		return errors.New("wire: message without frames")
	}
	if n > uint64(fr.limits.MaxFrames) {
		return &LimitError{What: "frames", Value: n, Limit: uint64(fr.limits.MaxFrames)}
	}
	fr.lengths = fr.lengths[:0]
	sum := uint64(0)
	for n > 0 {
		k := min(n, maxBuffer/8)
		if err := fr.fill(int(8 * k)); err != nil {
			return err
		}
		for range k {
			v := binary.LittleEndian.Uint64(fr.buf[fr.r:])
			fr.r += 8
			if err := fr.checkLength(v, &sum); err != nil {
				return err
			}
			fr.lengths = append(fr.lengths, v)
		}
		n -= k
	}
	return nil
}

func (fr *frameReader) checkLength(v uint64, sum *uint64) error {
	limit := uint64(fr.limits.MaxFrameBytes)
	if len(fr.lengths) == 0 {
		limit = min(limit, uint64(fr.limits.MaxHeaderBytes))
	}
	if v > limit {
		return &LimitError{What: fmt.Sprintf("bytes in frame %d:", len(fr.lengths)), Value: v, Limit: limit}
	}
	if *sum += v; *sum > uint64(fr.limits.MaxBytes) {
		return &LimitError{What: "bytes", Value: *sum, Limit: uint64(fr.limits.MaxBytes)}
	}
	return nil
}

// readFirst reads frame 0, a small one into memory that is used again.
func (fr *frameReader) readFirst() (shared bool, err error) {
	n := fr.lengths[0]
	if n > maxBuffer {
		b, err := fr.readFrame(n)
		fr.frames = append(fr.frames, b)
		return false, err
	}
	if err := fr.fill(int(n)); err != nil {
		return false, err
	}
	b := fr.buf[fr.r : fr.r+int(n)]
	fr.r += int(n)
	if len(fr.lengths) > 1 { // reading the others moves the buffer
		fr.first = append(fr.first[:0], b...)
		b = fr.first
	}
	fr.frames = append(fr.frames, b)
	return true, nil
}

// readRest reads the out-of-band frames.
func (fr *frameReader) readRest() error {
	for i := 1; i < len(fr.lengths); {
		if fr.lengths[i] >= slabFrame {
			b, err := fr.readFrame(fr.lengths[i])
			if err != nil {
				return err
			}
			fr.frames = append(fr.frames, b)
			i++
			continue
		}
		end, sum := i, uint64(0)
		for end < len(fr.lengths) && fr.lengths[end] < slabFrame && sum < slabBytes {
			sum += fr.lengths[end]
			end++
		}
		slab := make([]byte, sum)
		if err := fr.readTo(slab); err != nil {
			return err
		}
		for ; i < end; i++ {
			n := fr.lengths[i]
			fr.frames = append(fr.frames, slab[:n:n])
			slab = slab[n:]
		}
	}
	return nil
}

// readFrame reads n bytes to memory of their own.
func (fr *frameReader) readFrame(n uint64) ([]byte, error) {
	buf := unzeroed(int(min(n, readStep)))
	if err := fr.readTo(buf); err != nil {
		return nil, err
	}
	for uint64(len(buf)) < n {
		at := len(buf)
		grown := unzeroed(int(min(n, 2*uint64(at))))
		copy(grown, buf)
		if err := fr.readTo(grown[at:]); err != nil {
			return nil, err
		}
		buf = grown
	}
	return buf, nil
}

// readTo fills dst with the next bytes, a large one past the buffer.
func (fr *frameReader) readTo(dst []byte) error {
	n := copy(dst, fr.buf[fr.r:fr.w])
	fr.r += n
	dst = dst[n:]
	if len(dst) >= maxBuffer/4 {
		_, err := io.ReadFull(fr.src, dst)
		return err
	}
	if err := fr.fill(len(dst)); err != nil {
		return err
	}
	fr.r += copy(dst, fr.buf[fr.r:fr.w])
	return nil
}

// fill makes at least n bytes, n <= maxBuffer, available in the buffer.
func (fr *frameReader) fill(n int) error {
	if fr.w-fr.r >= n {
		return nil
	}
	if fr.r > 0 {
		fr.w = copy(fr.buf, fr.buf[fr.r:fr.w])
		fr.r = 0
	}
	if len(fr.buf) < n {
		fr.grow(max(n, firstBuffer))
	}
	for empty := 0; fr.w < n; {
		k, err := fr.src.Read(fr.buf[fr.w:])
		fr.w += k
		if fr.w >= n {
			break
		}
		if err != nil {
			return err
		}
		if k > 0 {
			empty = 0
		} else if empty++; empty == 100 {
			return io.ErrNoProgress
		}
	}
	if fr.w == len(fr.buf) && len(fr.buf) < maxBuffer {
		fr.grow(min(4*len(fr.buf), maxBuffer))
	}
	return nil
}

func (fr *frameReader) grow(n int) {
	fr.buf = slices.Grow(fr.buf[:fr.w], n-fr.w)[:n]
}

// checkRegion verifies that the leading region ends on a frame boundary.
func checkRegion(total uint64, lengths []uint64) error {
	at := uint64(8 + 8*len(lengths))
	if total == at {
		return nil
	}
	for _, v := range lengths {
		if at += v; at == total {
			return nil
		}
	}
	return fmt.Errorf("wire: leading region of %d bytes does not end at the end of a frame; "+
		"the peer does not speak Dask's protocol, or uses another one on this port", total)
}

// unexpected makes an end inside a message an error, not a clean end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
