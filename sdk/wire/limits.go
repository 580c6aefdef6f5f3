package wire

import (
	"fmt"
	"time"
)

// defaultMaxDepth bounds the nesting of msgpack values.
const defaultMaxDepth = 512

// Limits bound what a peer may make this process read. Zero fields take the defaults.
type Limits struct {
	MaxFrames     int   // frames of one message; default 1<<20
	MaxFrameBytes int64 // bytes of one frame; default 16 GiB
	MaxBytes      int64 // bytes of one message; default 64 GiB
	// MaxHeaderBytes bounds frame 0, which is decoded; default 1 GiB.
	MaxHeaderBytes int64
	MaxDepth       int // nesting of a msgpack value; default and highest 512
}

func (l Limits) withDefaults() Limits {
	l.MaxFrames = orDefault(l.MaxFrames, 1<<20)
	l.MaxFrameBytes = orDefault(l.MaxFrameBytes, 16<<30)
	l.MaxBytes = orDefault(l.MaxBytes, 64<<30)
	l.MaxHeaderBytes = orDefault(l.MaxHeaderBytes, 1<<30)
	l.MaxDepth = min(orDefault(l.MaxDepth, defaultMaxDepth), defaultMaxDepth)
	return l
}

func orDefault[T int | int64 | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// LimitError says which limit a peer's message exceeds.
type LimitError struct {
	What         string // such as "frames"
	Value, Limit uint64
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("wire: message has %s %d, the limit is %d; raise Limits if the peer is trusted", e.What, e.Value, e.Limit)
}
