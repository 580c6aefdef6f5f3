package comm

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestTCPPortRange(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	one := "127.0.0.1:" + strconv.Itoa(port)
	if _, err := TCP().Listen(t.Context(), one); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), one) {
		t.Errorf("taken port: %v", err)
	}
	ln, err := TCP().Listen(t.Context(), one+":"+strconv.Itoa(min(port+100, 65535)))
	if err != nil {
		t.Fatalf("range whose first port is taken: %v", err)
	}
	defer ln.Close()
	if got := ln.Addr().(*net.TCPAddr).Port; got <= port || got > port+100 {
		t.Errorf("port %d is not in the range after %d", got, port)
	}
	if _, err := TCP().Listen(t.Context(), one+":"+strconv.Itoa(port)); err == nil || !strings.Contains(err.Error(), one) {
		t.Errorf("range of one taken port: %v", err)
	}
}

func TestTCPWildcardContact(t *testing.T) {
	for _, wild := range []*net.TCPAddr{{IP: net.IPv4zero, Port: 1}, {IP: net.IPv6unspecified, Port: 1}} {
		got, err := TCP().Contact(wild)
		host, port, perr := SplitHostPort(got, NoPort)
		if err != nil || perr != nil || port != 1 || net.ParseIP(host) == nil || net.ParseIP(host).IsUnspecified() {
			t.Errorf("Contact(%v) = %q, %v", wild, got, err)
		}
	}
	if _, err := TCP().Contact(&net.UnixAddr{}); err == nil {
		t.Error("the address of another network is accepted")
	}
}

func TestTCPResolve(t *testing.T) {
	for in, want := range map[string]string{"localhost:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::1]:2": "[::1]:2", "10.1.2.3:4": "10.1.2.3:4"} {
		if got, err := TCP().Resolve(t.Context(), in); got != want || err != nil {
			t.Errorf("Resolve(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"localhost", "name.invalid:1", "::1"} {
		if _, err := TCP().Resolve(t.Context(), bad); !isAddressError(err) {
			t.Errorf("Resolve(%q): %v, want an *AddressError", bad, err)
		}
	}
}

func TestTCPDialRefusesPortZero(t *testing.T) {
	if _, err := TCP().Dial(t.Context(), "127.0.0.1:0"); !isAddressError(err) {
		t.Errorf("got %v", err)
	}
}

func TestUnixPathLimit(t *testing.T) {
	long := "/tmp/" + strings.Repeat("x", 200)
	for _, err := range []error{
		second(Unix().Dial(t.Context(), long)),
		second(Unix().Listen(t.Context(), long)),
		second(Unix().Resolve(t.Context(), long)),
	} {
		if !isAddressError(err) || !strings.Contains(err.Error(), strconv.Itoa(maxSocketPath())) || !strings.Contains(err.Error(), long) {
			t.Errorf("got %v, want the limit and the path", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestUnixRefusesAbstractAndEmptyPaths(t *testing.T) {
	for _, path := range []string{"@x", ""} {
		if _, err := Unix().Dial(t.Context(), path); !isAddressError(err) {
			t.Errorf("Dial(%q): %v", path, err)
		}
	}
}

func TestUnixLeavesNothingBehind(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ln, err := Unix().Listen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	path := ln.Addr().String()
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || dir.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v; want mode 0700", dir.Mode(), err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnixReplacesAStaleSocketButNotALiveOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "s")
	ln, err := Unix().Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unix().Listen(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("live socket: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v; want mode 0600", info.Mode(), err)
	}
	ln.(*unixListener).Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ln.Close()
	again, err := Unix().Listen(t.Context(), path)
	if err != nil {
		t.Fatalf("stale socket: %v", err)
	}
	_ = again.Close()
}
