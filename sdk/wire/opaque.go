package wire

// Opaque is a value that the receiver of a message may pass on unread: raw
// msgpack, whose __Serialized__ and __Pickled__ placeholders point into Frames
// at any depth, or, on connections that stay inside one process, a Go value by
// reference.
//
// The zero Opaque travels as nil. Raw and Frames are shared, never modified: a
// copy of an Opaque is a cheap view of the same bytes.
type Opaque struct {
	// Raw is one msgpack value. Placeholder indexes in it count from the start
	// of Frames.
	Raw []byte
	// Frames are the out-of-band frames: for each placeholder a header frame
	// followed by its sub-frames.
	Frames [][]byte
	// Ref is the value itself; only connections whose ByReference is true carry it.
	Ref any

	base int // index of Frames[0] in the message being written or read
}
