package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// ErrFull says that the files would have more bytes than they may.
var ErrFull = errors.New("the files have reached their limit (distributed.worker.memory.max-spill)")

// Settings of a Store.
type Settings struct {
	Dir      string // made at the first write
	MaxBytes int64  // of all files; 0 any
	Compress bool
}

// Store writes values to files. It may be used by many goroutines.
type Store struct {
	set   Settings
	meter *Meter
	next  atomic.Int64

	mu    sync.Mutex
	made  bool
	bytes int64
}

// New makes a store; nothing is written yet.
func New(s Settings) *Store { return &Store{set: s, meter: newMeter()} }

// Meter is what the store has done.
func (s *Store) Meter() *Meter { return s.meter }

// File is one value in a file.
type File struct {
	store *Store
	path  string
	size  int64
}

// Size is the file's size in bytes.
func (f *File) Size() int64 { return f.size }

// Write makes a file of a value.
func (s *Store) Write(o wire.Opaque) (*File, error) {
	b := s.pack(o)
	size := b.size()
	if err := s.reserve(size); err != nil {
		return nil, err
	}
	start := time.Now()
	path := filepath.Join(s.set.Dir, strconv.FormatInt(s.next.Add(1), 10))
	if err := b.writeTo(path); err != nil {
		s.free(size)
		_ = os.Remove(path) // there may be none
		return nil, fmt.Errorf("storage: %w", err)
	}
	s.meter.Add(DiskWrite, size, time.Since(start))
	return &File{store: s, path: path, size: size}, nil
}

// reserve takes room for a file and sees to the directory.
func (s *Store) reserve(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit := s.set.MaxBytes; limit > 0 && s.bytes+size > limit {
		return fmt.Errorf("storage: a file of %d bytes besides %d of at most %d: %w", size, s.bytes, limit, ErrFull)
	}
	if !s.made {
		if err := os.MkdirAll(s.set.Dir, 0o700); err != nil {
			return fmt.Errorf("storage: %w", err)
		}
		s.made = true
	}
	s.bytes += size
	return nil
}

func (s *Store) free(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= size
}

// Read is the value of the file. It fails when the file is not what was written.
func (f *File) Read() (wire.Opaque, error) {
	start := time.Now()
	data, err := readAll(f.path, f.size)
	if err != nil {
		return wire.Opaque{}, fmt.Errorf("storage: %s: %w", f.path, err)
	}
	f.store.meter.Add(DiskRead, f.size, time.Since(start))
	o, err := f.store.unpack(data)
	if err != nil {
		return wire.Opaque{}, fmt.Errorf("storage: %s: %w", f.path, err)
	}
	return o, nil
}

// Remove removes the file.
func (f *File) Remove() error {
	f.store.free(f.size)
	if err := os.Remove(f.path); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}
