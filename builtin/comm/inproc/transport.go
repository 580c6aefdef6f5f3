package inproc

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gdask/gdask/sdk/comm"
)

// Name is the protocol's name in configuration, and its scheme.
const Name = "inproc"

// backlog is how many connections may wait for Accept, as with Dask's sockets.
const backlog = 2048

// Transport reaches the listeners that were made by itself: the parts of one
// process that are to meet must share it.
type Transport struct {
	host string
	pid  string
	next atomic.Int64

	mu        sync.Mutex
	listeners map[string]*listener
}

// New returns a transport without listeners.
func New() *Transport {
	return &Transport{host: comm.RoutableIP(), pid: strconv.Itoa(os.Getpid()), listeners: map[string]*listener{}}
}

// Scheme implements comm.Transport.
func (t *Transport) Scheme() string { return Name }

// check refuses addresses of other machines and processes, and malformed ones.
func (t *Transport) check(address string) error {
	parts := strings.Split(address, "/")
	if len(parts) != 3 || parts[2] == "" {
		return &comm.AddressError{Address: address, Problem: "not of the form ip/pid/n",
			Fix: "use the address that the listener printed"}
	}
	if parts[0] != t.host || parts[1] != t.pid {
		return &comm.AddressError{Address: address, Problem: "belongs to another process; this is " + t.host + "/" + t.pid,
			Fix: "inproc stays inside one process: use tcp or unix"}
	}
	return nil
}

// address is a fresh one.
func (t *Transport) address() string {
	return t.host + "/" + t.pid + "/" + strconv.FormatInt(t.next.Add(1), 10)
}

// Listen implements comm.Transport; an empty address is a fresh one.
func (t *Transport) Listen(_ context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = t.address()
	} else if err := t.check(address); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners[address] != nil {
		return nil, fmt.Errorf("inproc: address %q has a listener already; close it first or listen on the empty address: %w", address, syscall.EADDRINUSE)
	}
	l := &listener{t: t, addr: addr(address), queue: make(chan *conn, backlog), closed: make(chan struct{})}
	t.listeners[address] = l
	return l, nil
}

// Dial implements comm.Transport.
func (t *Transport) Dial(ctx context.Context, address string) (net.Conn, error) {
	if err := t.check(address); err != nil {
		return nil, err
	}
	t.mu.Lock()
	l := t.listeners[address]
	t.mu.Unlock()
	if l == nil {
		return nil, refused(address)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	near, far := pair(addr(t.address()), l.addr)
	select {
	case <-l.closed:
		return nil, refused(address)
	case <-ctx.Done():
		return nil, ctx.Err()
	case l.queue <- far:
	}
	// The listener may have closed and drained between: then nobody owns far.
	select {
	case <-l.closed:
		l.drain()
	default:
	}
	return near, nil
}

func refused(address string) error {
	return &net.OpError{Op: "dial", Net: Name, Addr: addr(address), Err: syscall.ECONNREFUSED}
}

// Resolve implements comm.Transport.
func (t *Transport) Resolve(_ context.Context, address string) (string, error) {
	return address, t.check(address)
}

// Contact implements comm.Transport.
func (t *Transport) Contact(bound net.Addr) (string, error) { return bound.String(), nil }

// Host implements comm.Transport.
func (t *Transport) Host(address string) string {
	host, _, _ := strings.Cut(address, "/")
	return host
}

// addr is "ip/pid/n".
type addr string

func (addr) Network() string  { return Name }
func (a addr) String() string { return string(a) }
