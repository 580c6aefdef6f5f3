package workerrt

import "time"

// Tuning are sizes and times of a worker that Dask's configuration names. The
// default of each is Dask's, where not said otherwise; 0 means it.
type Tuning struct {
	// LogLength is how many lines of its log a worker shows; 10,000.
	LogLength int `json:"log_length,omitempty"`
	// StoryLength is how many transitions of its tasks it remembers; 1,000.
	StoryLength int `json:"story_length,omitempty"`
	// Incoming is how many peers of other hosts may get values at once, and half
	// of how many of the same host; 10.
	Incoming int `json:"incoming,omitempty"`
	// Outgoing is from how many peers values are copied at once; 50.
	Outgoing int `json:"outgoing,omitempty"`
	// MessageBytes is how much is asked of a peer at once; 50 MB.
	MessageBytes int64 `json:"message_bytes,omitempty"`
	// PeerTimeout is how long a peer may read nothing of what it is sent; 1 min
	// (Dask's: 30 s).
	PeerTimeout time.Duration `json:"peer_timeout,omitempty"`
	// ConnectTimeout is how long a peer may take to be reached; that of package comm.
	ConnectTimeout time.Duration `json:"connect_timeout,omitempty"`
}

// withDefaults fills in the sizes that were left open.
func (t Tuning) withDefaults(connect time.Duration) Tuning {
	if t.LogLength <= 0 {
		t.LogLength = 10_000
	}
	if t.Incoming <= 0 {
		t.Incoming = 10
	}
	if t.PeerTimeout <= 0 {
		t.PeerTimeout = time.Minute
	}
	if t.ConnectTimeout <= 0 {
		t.ConnectTimeout = connect
	}
	return t
}
