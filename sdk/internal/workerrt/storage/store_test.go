package storage

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// noise are bytes that do not get smaller.
func noise(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestValuesComeBack(t *testing.T) {
	values := map[string]wire.Opaque{
		"nil":    {Raw: []byte{0xc0}},
		"small":  {Raw: []byte{0xa1, 'x'}},
		"frames": {Raw: []byte{0x90}, Frames: [][]byte{[]byte("head"), bytes.Repeat([]byte("ab"), 50_000), {}, noise(50_000)}},
	}
	for _, compress := range []bool{false, true} {
		s := New(Settings{Dir: filepath.Join(t.TempDir(), "storage"), Compress: compress})
		for name, v := range values {
			f, err := s.Write(v)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Read()
			if err != nil || !bytes.Equal(got.Raw, v.Raw) || len(got.Frames) != len(v.Frames) {
				t.Fatalf("%s: %v, %v", name, got, err)
			}
			for i := range v.Frames {
				if !bytes.Equal(got.Frames[i], v.Frames[i]) {
					t.Errorf("%s: frame %d differs", name, i)
				}
			}
			if info, err := os.Stat(f.path); err != nil || info.Size() != f.Size() {
				t.Errorf("%s: %v, %v, says %d", name, info, err, f.Size())
			}
			if small := f.Size() < 100_000; name == "frames" && small != compress {
				t.Errorf("%d bytes with compression %v", f.Size(), compress)
			}
			if err := f.Remove(); err != nil {
				t.Error(err)
			}
		}
		if left, err := os.ReadDir(s.set.Dir); err != nil || len(left) > 0 || s.bytes != 0 {
			t.Errorf("left behind: %v, %v, %d bytes", left, err, s.bytes)
		}
	}
}

func TestNumbersLieAligned(t *testing.T) {
	s := New(Settings{Dir: t.TempDir()})
	f, err := s.Write(wire.Opaque{Raw: []byte{0xa3, 'o', 'd', 'd'}, Frames: [][]byte{[]byte("seven b"), make([]byte, 8)}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.Read()
	if err != nil || reflect.ValueOf(o.Frames[1]).Pointer()%8 != 0 {
		t.Errorf("%v, %v", o.Frames, err)
	}
}

func TestLimitOfAllFiles(t *testing.T) {
	s := New(Settings{Dir: t.TempDir(), MaxBytes: 1000})
	f, err := s.Write(wire.Opaque{Raw: noise(600)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(wire.Opaque{Raw: noise(600)}); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "at most 1000") {
		t.Errorf("%v", err)
	}
	if err := f.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(wire.Opaque{Raw: noise(600)}); err != nil {
		t.Errorf("after the removal: %v", err)
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(Settings{Dir: filepath.Join(blocked, "storage")})
	if _, err := s.Write(wire.Opaque{Raw: noise(10)}); err == nil || s.bytes != 0 {
		t.Errorf("%v, %d bytes", err, s.bytes)
	}
	s = New(Settings{Dir: dir})
	s.made = true
	if err := os.Mkdir(filepath.Join(dir, "1"), 0o700); err != nil { // in the first file's place
		t.Fatal(err)
	}
	if _, err := s.Write(wire.Opaque{Raw: noise(10)}); err == nil || s.bytes != 0 {
		t.Errorf("%v, %d bytes", err, s.bytes)
	}
}

// Every damage is noticed: no bit of a file counts twice.
func TestDamagedFilesAreErrors(t *testing.T) {
	s := New(Settings{Dir: t.TempDir(), Compress: true})
	f, err := s.Write(wire.Opaque{Raw: []byte("raw"), Frames: [][]byte{bytes.Repeat([]byte("ab"), 8000)}})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		if _, err := s.unpack(damaged); err == nil {
			t.Fatalf("byte %d of %d was changed unnoticed", i, len(whole))
		}
	}
	if err := os.Truncate(f.path, f.size-1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(); err == nil {
		t.Error("a cut-off file was read")
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(); !errors.Is(err, os.ErrNotExist) || f.Remove() == nil {
		t.Errorf("a missing file: %v", err)
	}
}

func TestMeter(t *testing.T) {
	s := New(Settings{Dir: t.TempDir(), Compress: true})
	f, err := s.Write(wire.Opaque{Raw: bytes.Repeat([]byte("ab"), 8000)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Read(); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][2]int64{"disk-write": {1, f.size}, "disk-read": {2, 2 * f.size}, "compress": {1, 16_000}, "decompress": {2, 32_000}}
	for _, sum := range s.Meter().Sums() {
		if w := want[sum.Activity.String()]; sum.Count != w[0] || sum.Bytes != w[1] {
			t.Errorf("%s: %+v", sum.Activity, sum)
		}
	}
}
