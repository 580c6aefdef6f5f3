// Package peercred authenticates the other end of a unix socket by its user:
// gRPC transport credentials without a byte of their own on the wire, for
// plugin processes whose host uses no TLS.
package peercred

import (
	"context"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc/credentials"
)

// Credentials accept a connection when the process at its other end belongs to
// our user or to root. They have no state.
type Credentials struct{}

var _ credentials.TransportCredentials = Credentials{}

// Info is the authenticated peer.
type Info struct {
	credentials.CommonAuthInfo
	UID int // -1 where the system does not tell
}

// AuthType names the method.
func (Info) AuthType() string { return "peercred" }

// ServerHandshake checks the peer of an accepted connection.
func (Credentials) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return check(c)
}

// ClientHandshake checks the process that listens at the other end.
func (Credentials) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return check(c)
}

// Info says that the connection is local and its owner known.
func (Credentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "peercred"}
}

// Clone returns c: there is nothing to share.
func (c Credentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName does nothing: there are no names.
func (Credentials) OverrideServerName(string) error { return nil }

func check(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	uid, err := peerUID(c)
	if err != nil {
		return nil, nil, fmt.Errorf("peer of the plugin socket: %w", err)
	}
	if own := os.Getuid(); uid > 0 && uid != own {
		return nil, nil, fmt.Errorf("peer of the plugin socket has user id %d, wanted %d", uid, own)
	}
	level := credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
	return c, Info{CommonAuthInfo: level, UID: uid}, nil
}
