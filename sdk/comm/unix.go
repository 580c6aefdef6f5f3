package comm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
)

// Unix is the transport of scheme "unix": stream sockets named by a path, open
// to this user only. An empty address to listen on is a socket in a private
// directory of its own, removed when the listener closes.
func Unix() Transport { return unixTransport{} }

type unixTransport struct{}

// Scheme implements Transport.
func (unixTransport) Scheme() string { return "unix" }

// maxSocketPath is the kernel's limit in bytes, with room for the final NUL.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 108 - 1
	}
	return 104 - 1
}

// check refuses what the kernel would refuse with a bare "invalid argument".
func checkSocketPath(path string) error {
	switch limit := maxSocketPath(); {
	case path == "":
		return &AddressError{Address: path, Problem: "no path", Fix: "write unix:///path/to/socket"}
	case path[0] == '@' || path[0] == 0:
		return &AddressError{Address: path, Problem: "abstract sockets are open to every user of the machine",
			Fix: "use a path in a private directory"}
	case len(path) > limit:
		return &AddressError{Address: path, Problem: "path has " + strconv.Itoa(len(path)) + " bytes, sockets allow " + strconv.Itoa(limit),
			Fix: "use a shorter directory, for example by TMPDIR=/tmp"}
	}
	return nil
}

// Dial implements Transport.
func (unixTransport) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := checkSocketPath(address); err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", address)
}

// Listen implements Transport.
func (unixTransport) Listen(ctx context.Context, address string) (net.Listener, error) {
	dir := ""
	if address == "" {
		var err error
		if dir, err = os.MkdirTemp("", "gdask-"); err != nil { // 0700
			return nil, fmt.Errorf("comm: no directory for a unix socket: %w", err)
		}
		address = filepath.Join(dir, "s")
	}
	ln, err := listenUnix(ctx, address)
	if err != nil {
		if dir != "" {
			_ = os.Remove(dir)
		}
		return nil, err
	}
	return &unixListener{Listener: ln, dir: dir}, nil
}

func listenUnix(ctx context.Context, address string) (net.Listener, error) {
	path, err := filepath.Abs(address)
	if err != nil {
		return nil, fmt.Errorf("comm: unix socket %q: %w", address, err)
	}
	if err := checkSocketPath(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("comm: unix socket %q: %w", path, err)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && removeStale(ctx, path) {
		ln, err = lc.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("comm: cannot listen on unix socket %q: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("comm: unix socket %q: %w", path, err)
	}
	return ln, nil
}

// removeStale removes a socket file whose listener is gone: a killed process
// cannot do so itself.
func removeStale(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) && os.Remove(path) == nil
}

// Resolve implements Transport.
func (unixTransport) Resolve(_ context.Context, address string) (string, error) {
	if address == "" {
		return "", checkSocketPath(address)
	}
	path, err := filepath.Abs(address)
	if err != nil {
		return "", &AddressError{Address: address, Problem: "path has no absolute form", Err: err}
	}
	return path, checkSocketPath(path)
}

// Contact implements Transport.
func (unixTransport) Contact(bound net.Addr) (string, error) {
	if _, ok := bound.(*net.UnixAddr); !ok {
		return "", fmt.Errorf("comm: %v (%T) is not the address of a unix listener", bound, bound)
	}
	return bound.String(), nil
}

// Host implements Transport: all peers are on this machine.
func (unixTransport) Host(string) string { return "127.0.0.1" }

// unixListener removes its private directory; the socket file is removed by the
// net package.
type unixListener struct {
	net.Listener
	dir  string
	once sync.Once
}

func (l *unixListener) Close() error {
	err := l.Listener.Close()
	l.once.Do(func() {
		if l.dir != "" {
			err = errors.Join(err, os.Remove(l.dir))
		}
	})
	return err
}
