// Package unix is the builtin comm protocol "unix": sockets named by a path, for
// processes of one user on one machine.
package unix

import "github.com/gdask/gdask/sdk/comm"

// Name is the protocol's name in configuration, and its scheme.
const Name = "unix"

// New returns the transport.
func New() comm.Transport { return comm.Unix() }
