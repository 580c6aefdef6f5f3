//go:build unix

package lifeline

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// pair returns the host's end and the number of the plugin's end.
func pair(t *testing.T) (host *os.File, fd int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "host"), fds[1]
}

func TestWaitSeesTheHostGo(t *testing.T) {
	host, fd := pair(t)
	f, err := Open(strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := host.WriteString("noise"); err != nil {
		t.Fatal(err)
	}
	host.Close()
	if !Wait(f) {
		t.Fatal("end of file was not taken for the end of the host")
	}
}

func TestWaitEndsOnClose(t *testing.T) {
	host, fd := pair(t)
	defer host.Close()
	f, err := Open(strconv.Itoa(fd))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan bool)
	go func() { gone <- Wait(f) }()
	f.Close()
	if <-gone {
		t.Fatal("closing our own end was taken for the end of the host")
	}
}

func TestOpen(t *testing.T) {
	if f, err := Open(""); f != nil || err != nil {
		t.Fatalf("no variable: %v, %v", f, err)
	}
	for _, v := range []string{"x", "1", "99999"} {
		if _, err := Open(v); err == nil || !strings.Contains(err.Error(), v) {
			t.Errorf("Open(%q) = %v", v, err)
		}
	}
}
