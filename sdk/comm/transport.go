// Package comm has the transport interface that authors of comm protocols
// implement, the address rules of Dask, and the set of transports by scheme.
// Nobody outside a transport may assume how a connection came to be.
package comm

import (
	"context"
	"net"
)

// Transport makes connections of one scheme. Authors write net code only:
// framing, handshake and messages are package wire's.
//
// Addresses passed to a transport are without the scheme. All methods may be
// called concurrently.
type Transport interface {
	// Scheme is the name before "://".
	Scheme() string
	// Listen binds address ("host:port", a path, ...; an empty one and port 0
	// are the transport's choice).
	Listen(ctx context.Context, address string) (net.Listener, error)
	// Dial connects; ctx bounds it.
	Dial(ctx context.Context, address string) (net.Conn, error)
	// Resolve turns an address into its canonical form (names to IPs, IPv4
	// preferred); bad input is an *AddressError.
	Resolve(ctx context.Context, address string) (string, error)
	// Contact turns the address that a listener is bound to into the one that
	// peers dial: wildcards become the address routable from outside.
	Contact(bound net.Addr) (string, error)
	// Host is the host part, by which peers on one machine are recognised.
	Host(address string) string
}
