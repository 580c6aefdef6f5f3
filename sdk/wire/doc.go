// Package wire speaks the comm protocol of dask.distributed: length-framed
// msgpack messages with out-of-band payload frames, a handshake, batched
// message streams and request/reply calls, over any net.Conn.
//
// Messages are typed structs with generated msgp code. What the protocol
// leaves to the two ends (run specs, results, exceptions) travels as [Opaque]:
// its frames are neither copied nor decoded on the way through.
package wire
