package comm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// DefaultTCPTimeout is how long a TCP peer may stay silent to the kernel's
// probes, or leave data unacknowledged, before the connection fails.
const DefaultTCPTimeout = 30 * time.Second

const (
	keepAliveProbes = 10
	bindAttempts    = 5 // for port 0, against a race for the same port
)

// TCPSettings adjust the tcp transport. The zero value is useful.
type TCPSettings struct {
	// Timeout replaces DefaultTCPTimeout; at least 11 s are used.
	Timeout time.Duration
}

// TCP is the transport of scheme "tcp": no encryption, no authentication. Its
// addresses are "host:port", to listen also "host" (any port), "" (all
// interfaces, any port) and "host:8000:8200" (the first free port of a range).
func TCP() Transport { return TCPWith(TCPSettings{}) }

// TCPWith is [TCP] with settings.
func TCPWith(s TCPSettings) Transport {
	if s.Timeout == 0 {
		s.Timeout = DefaultTCPTimeout
	}
	return &tcp{timeout: max(s.Timeout, (keepAliveProbes+1)*time.Second)}
}

type tcp struct{ timeout time.Duration }

// Scheme implements Transport.
func (*tcp) Scheme() string { return "tcp" }

// keepAlive divides the timeout as Dask does: ten probes, the rest idle.
func (t *tcp) keepAlive() net.KeepAliveConfig {
	idle := max(2*time.Second, t.timeout/4)
	interval := max(time.Second, ((t.timeout - idle) / keepAliveProbes).Truncate(time.Second))
	return net.KeepAliveConfig{Enable: true, Idle: t.timeout - interval*keepAliveProbes,
		Interval: interval, Count: keepAliveProbes}
}

// control sets what the net package has no field for; a kernel without the
// option is no reason not to connect.
func (t *tcp) control(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { setUserTimeout(fd, t.timeout) })
}

// Dial implements Transport.
func (t *tcp) Dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := SplitHostPort(address, NoPort)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		return nil, &AddressError{Address: address, Problem: "port 0 cannot be dialled",
			Fix: "use the port that the listener printed"}
	}
	d := net.Dialer{KeepAliveConfig: t.keepAlive(), Control: t.control}
	return d.DialContext(ctx, "tcp", JoinHostPort(host, port))
}

// Listen implements Transport.
func (t *tcp) Listen(ctx context.Context, address string) (net.Listener, error) {
	host, first, last, err := splitListen(address)
	if err != nil {
		return nil, err
	}
	lc := net.ListenConfig{KeepAliveConfig: t.keepAlive(), Control: t.control}
	tries := last - first + 1
	if first == 0 {
		tries = bindAttempts
	}
	for i := range tries {
		port := first
		if first != 0 {
			port += i
		}
		var ln net.Listener
		ln, err = lc.Listen(ctx, "tcp", JoinHostPort(host, port))
		if err == nil {
			return ln, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, bindError(address, first, last, err)
}

// splitListen separates what Listen accepts.
func splitListen(address string) (host string, first, last int, err error) {
	if i := strings.LastIndexByte(address, ':'); i > 0 && isNumber(address[i+1:]) {
		if j := strings.LastIndexByte(address[:i], ':'); j >= 0 && isNumber(address[j+1:i]) && !strings.Contains(address[j:], "]") {
			if first, last, err = portRange(address, address[j+1:]); err != nil {
				return "", 0, 0, err
			}
			address = address[:j]
			host, _, err = SplitHostPort(address, 0)
			return host, first, last, err
		}
	}
	host, first, err = SplitHostPort(address, 0)
	return host, first, first, err
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

func bindError(address string, first, last int, err error) error {
	switch {
	case !errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("comm: cannot listen on tcp address %q: %w", address, err)
	case first != last:
		return fmt.Errorf("comm: cannot listen on tcp address %q: all %d ports of the range are taken; give a wider range or port 0: %w", address, last-first+1, err)
	}
	return fmt.Errorf("comm: cannot listen on tcp address %q: another process has that port; stop it, or choose another port, or 0 for any: %w", address, err)
}

// Resolve implements Transport: a host name becomes its IP address, IPv4 preferred.
func (*tcp) Resolve(ctx context.Context, address string) (string, error) {
	host, port, err := SplitHostPort(address, NoPort)
	if err != nil {
		return "", err
	}
	if host == "" {
		host = "localhost"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return JoinHostPort(host, port), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(ips) == 0 {
		return "", &AddressError{Address: address, Problem: "host name does not resolve", Err: err,
			Fix: "check the spelling or give an IP address"}
	}
	best := ips[0]
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			best = ip
			break
		}
	}
	return JoinHostPort(best.Unmap().String(), port), nil
}

// Contact implements Transport: a wildcard becomes the IP address by which this
// machine reaches others.
func (*tcp) Contact(bound net.Addr) (string, error) {
	a, ok := bound.(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("comm: %v (%T) is not the address of a TCP listener", bound, bound)
	}
	if a.IP.IsUnspecified() {
		return JoinHostPort(RoutableIP(), a.Port), nil
	}
	return a.String(), nil
}

// Host implements Transport.
func (*tcp) Host(address string) string {
	host, _, err := SplitHostPort(address, 0)
	if err != nil {
		return address
	}
	return host
}
