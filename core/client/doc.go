// Package client is the client's side of the wire: it submits tasks, follows
// their keys, and fetches results straight from the workers that hold them.
//
// It knows nothing of Go functions or types: run specs and results are opaque.
// One [Client] may be used from any number of goroutines.
package client

import (
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

// Settings of a client. Transports is required, the rest has defaults.
type Settings struct {
	// Transports are the comm protocols that the client may dial.
	Transports *comm.Set
	// Name becomes part of the client's id; "" leaves it out.
	Name string
	// Worker is the address of the worker whose task uses the client: the scheduler
	// ends the session, and what it holds, with the worker. "" for other clients.
	Worker string
	// Logger gets warnings about the connection; nil discards them.
	Logger hclog.Logger
	// Wire has the limits of connections.
	Wire wire.Settings
	// Heartbeat is the interval of heartbeats until the scheduler names another;
	// default 5 s. After MissedHeartbeats silent intervals the connection counts as lost.
	Heartbeat time.Duration
	// MissedHeartbeats is the number of silent intervals that a frozen scheduler
	// is given; default 4.
	MissedHeartbeats int
	// Grace is how long the client tries to come back after it lost the
	// scheduler, before its futures fail; default 30 s. Negative: not at all.
	Grace time.Duration
	// WatchFetch is how long a fetch may last before the client asks the
	// scheduler, again and again in this interval, whether the worker still
	// holds the data; default 2 s.
	WatchFetch time.Duration
	// SchedulerFile is the scheduler file that the address came from, if any.
	SchedulerFile string
	// ConnectionLimit bounds the kept connections to workers; default 512.
	ConnectionLimit int
}

func (s Settings) withDefaults() Settings {
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	if s.Heartbeat <= 0 {
		s.Heartbeat = 5 * time.Second
	}
	if s.MissedHeartbeats <= 0 {
		s.MissedHeartbeats = 4
	}
	if s.Grace == 0 {
		s.Grace = 30 * time.Second
	}
	if s.WatchFetch <= 0 {
		s.WatchFetch = 2 * time.Second
	}
	return s
}
