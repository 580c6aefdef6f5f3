//go:build unix

package nanny

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The real sampler sees memory that this process touches, and no dead process.
func TestResident(t *testing.T) {
	before, err := resident(t.Context(), os.Getpid())
	if err != nil || before <= 0 {
		t.Fatalf("%d bytes, %v", before, err)
	}
	const more = 64 << 20
	block, err := unix.Mmap(-1, 0, more, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(block) }()
	for i := 0; i < more; i += 4096 {
		block[i] = 1
	}
	after, err := resident(t.Context(), os.Getpid())
	if err != nil || after < before+more/2 { // the collector may give some back meanwhile
		t.Errorf("%d bytes, then %d with %d more: %v", before, after, more, err)
	}
	if n, err := resident(t.Context(), 1<<30); err == nil {
		t.Errorf("a process that does not exist has %d bytes", n)
	}
}
