package wire

import "github.com/tinylib/msgp/msgp"

// Msg is one message of a stream or one request: a msgpack map with the field
// "op". The op is not a field of the Go struct; the codec writes and reads it.
//
// A Msg belongs to the connection it was sent on: the sender must not change it
// afterwards and must not send it on a second connection.
type Msg interface {
	msgp.Marshaler
	msgp.Unmarshaler
	msgp.Sizer
	// Op is the operation's name on the wire, such as "compute-task".
	Op() string
}

// Carrier is a message or reply with Opaque fields. EachOpaque calls f for each
// of them in the order in which they are marshalled.
type Carrier interface {
	EachOpaque(f func(*Opaque))
}

// Body is a msgpack value without an op: a reply.
type Body interface {
	msgp.Marshaler
	msgp.Unmarshaler
	msgp.Sizer
}
