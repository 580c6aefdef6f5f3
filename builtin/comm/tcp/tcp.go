// Package tcp is the builtin comm protocol "tcp": Dask's default, without
// encryption or authentication.
package tcp

import "github.com/gdask/gdask/sdk/comm"

// Name is the protocol's name in configuration, and its scheme.
const Name = "tcp"

// New returns the transport.
func New() comm.Transport { return comm.TCP() }
