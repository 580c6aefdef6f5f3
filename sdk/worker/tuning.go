package worker

import (
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt"
)

// Tuning are sizes and times of workers on the SDK's runtime that Dask's
// configuration names; 0 is the default of each.
type Tuning struct {
	// LogLength is how many lines of its log a worker shows; default 10,000.
	LogLength int `json:"log_length,omitempty"`
	// StoryLength is how many transitions of its tasks it remembers; default 1,000.
	StoryLength int `json:"story_length,omitempty"`
	// Incoming is how many peers of other hosts may get values at once, and half
	// of how many of the same host; default 10.
	Incoming int `json:"incoming,omitempty"`
	// Outgoing is from how many peers values are copied at once; default 50.
	Outgoing int `json:"outgoing,omitempty"`
	// MessageBytes is how much is asked of a peer at once; default 50 MB.
	MessageBytes int64 `json:"message_bytes,omitempty"`
	// PeerTimeout is how long a peer may read nothing of what it is sent; default
	// a minute.
	PeerTimeout time.Duration `json:"peer_timeout,omitempty"`
	// ConnectTimeout is how long a peer may take to be reached; default 30 s.
	ConnectTimeout time.Duration `json:"connect_timeout,omitempty"`
}

func (t Tuning) own() workerrt.Tuning { return workerrt.Tuning(t) }
