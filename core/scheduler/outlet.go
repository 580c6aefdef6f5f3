package scheduler

import "github.com/gdask/gdask/sdk/wire"

// outlet gathers the messages for one destination during a turn of the loop, so
// that they leave in one Stream.Send. The loop owns it.
type outlet struct {
	// stream is nil until the peer has had the answer to its registration;
	// messages wait in batch until then.
	stream *wire.Stream
	batch  []wire.Msg
	dirty  bool
	closed bool
}

// add queues m and reports whether the outlet must be entered into the list of
// those to be sent.
func (o *outlet) add(m wire.Msg) bool {
	if o.closed {
		return false
	}
	o.batch = append(o.batch, m)
	if o.dirty {
		return false
	}
	o.dirty = true
	return true
}

// waiting is how many messages the peer has not taken yet.
func (o *outlet) waiting() int {
	n := len(o.batch)
	if o.stream != nil {
		n += o.stream.Queued()
	}
	return n
}

// send hands the batch to the stream, if there is one yet.
func (o *outlet) send() {
	o.dirty = false
	if o.stream == nil || len(o.batch) == 0 {
		return
	}
	o.stream.Send(o.batch...)
	clear(o.batch)
	o.batch = o.batch[:0]
	if cap(o.batch) > maxIdleBatch {
		o.batch = nil
	}
}

// maxIdleBatch is how many messages' worth of memory an outlet keeps between turns.
const maxIdleBatch = 1 << 14

// attach sets the stream and sends what waited for it.
func (o *outlet) attach(st *wire.Stream) {
	o.stream = st
	o.send()
}

// drop makes the outlet forget what waits and take no more.
func (o *outlet) drop() {
	o.closed = true
	o.stream, o.batch = nil, nil
}
