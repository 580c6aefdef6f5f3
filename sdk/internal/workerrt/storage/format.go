package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/gdask/gdask/sdk/wire"
)

// A file is a header and the parts of a value: its msgpack, then its frames. The
// header is magic, number of parts and checksum of everything behind it; then,
// for each part, its codec, its size in the file and its size. Parts begin at
// multiples of 8, so that numbers can be used where they lie.
const (
	magic      = "gdaskv1\n"
	fixedSize  = 16
	entrySize  = 24
	alignment  = 8
	codecNone  = 0
	codecS2    = 1
	worthwhile = 10_000 // smaller parts are not compressed
	maxParts   = 1 << 24
)

var padding [alignment]byte

// box is a value as it is written.
type box struct {
	head  []byte
	parts [][]byte // with their padding
}

func padded(n int) int { return (n + alignment - 1) / alignment * alignment }

// pack makes the box of a value; without compression it shares the value's bytes.
func (s *Store) pack(o wire.Opaque) *box {
	n := 1 + len(o.Frames)
	b := &box{head: make([]byte, fixedSize+n*entrySize), parts: make([][]byte, 0, 2*n)}
	copy(b.head, magic)
	binary.LittleEndian.PutUint32(b.head[8:], uint32(n))
	b.add(s, 0, o.Raw)
	for i, f := range o.Frames {
		b.add(s, 1+i, f)
	}
	sum := crc32.Update(0, table(), b.head[fixedSize:])
	for _, p := range b.parts {
		sum = crc32.Update(sum, table(), p)
	}
	binary.LittleEndian.PutUint32(b.head[12:], sum)
	return b
}

func table() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (b *box) add(s *Store, i int, part []byte) {
	codec, stored := s.compress(part)
	e := b.head[fixedSize+i*entrySize:]
	binary.LittleEndian.PutUint64(e, codec)
	binary.LittleEndian.PutUint64(e[8:], uint64(len(stored)))
	binary.LittleEndian.PutUint64(e[16:], uint64(len(part)))
	b.parts = append(b.parts, stored, padding[:padded(len(stored))-len(stored)])
}

// compress keeps what compression makes of a part when it saves a tenth.
func (s *Store) compress(part []byte) (codec uint64, stored []byte) {
	if !s.set.Compress || len(part) < worthwhile || s2.MaxEncodedLen(len(part)) < 0 {
		return codecNone, part
	}
	start := time.Now()
	small := s2.Encode(nil, part)
	s.meter.Add(Compress, int64(len(part)), time.Since(start))
	if len(small) > len(part)/10*9 {
		return codecNone, part
	}
	return codecS2, small
}

func (b *box) size() int64 {
	n := int64(len(b.head))
	for _, p := range b.parts {
		n += int64(len(p))
	}
	return n
}

func (b *box) writeTo(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b.head)
	for _, p := range b.parts {
		if err == nil && len(p) > 0 {
			_, err = f.Write(p)
		}
	}
	return errors.Join(err, f.Close())
}

// readAll reads a file that has size bytes.
func readAll(path string, size int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size)
	_, err = io.ReadFull(f, data)
	return data, errors.Join(err, f.Close())
}

// unpack is the value in a file's bytes.
func (s *Store) unpack(data []byte) (o wire.Opaque, err error) {
	if len(data) < fixedSize || string(data[:8]) != magic {
		return o, errors.New("this is no file of values")
	}
	n := binary.LittleEndian.Uint32(data[8:])
	if crc32.Checksum(data[fixedSize:], table()) != binary.LittleEndian.Uint32(data[12:]) {
		return o, errors.New("the checksum is wrong: the file was changed or damaged")
	}
	if n < 1 || n > maxParts || int64(n)*entrySize > int64(len(data)-fixedSize) {
		return o, fmt.Errorf("the header announces %d parts in %d bytes", n, len(data))
	}
	head, rest := data[fixedSize:], data[fixedSize+int(n)*entrySize:]
	parts := make([][]byte, n)
	for i := range parts {
		if parts[i], rest, err = s.part(head[i*entrySize:], rest); err != nil {
			return o, fmt.Errorf("part %d: %w", i, err)
		}
	}
	o.Raw = parts[0]
	if n > 1 {
		o.Frames = parts[1:]
	}
	return o, nil
}

// part reads the part of an entry from the front of rest.
func (s *Store) part(entry, rest []byte) (part, left []byte, err error) {
	codec, stored := binary.LittleEndian.Uint64(entry), binary.LittleEndian.Uint64(entry[8:])
	size := binary.LittleEndian.Uint64(entry[16:])
	if stored > math.MaxInt32*1024 || padded(int(stored)) > len(rest) {
		return nil, nil, fmt.Errorf("it has %d bytes, %d are left", stored, len(rest))
	}
	left, part = rest[padded(int(stored)):], rest[:stored:stored]
	if codec == codecNone {
		return part, left, nil
	}
	start := time.Now()
	switch n, err := s2.DecodedLen(part); {
	case err != nil:
		return nil, nil, err
	case uint64(n) != size:
		return nil, nil, fmt.Errorf("it has %d bytes when decompressed, wants %d", n, size)
	}
	part, err = s2.Decode(nil, part)
	s.meter.Add(Decompress, int64(len(part)), time.Since(start))
	return part, left, err
}
