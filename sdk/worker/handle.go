package worker

import "context"

// Handle is a running, supervised worker as its host sees it.
type Handle interface {
	Name() string
	// Address is the contact address of the present incarnation.
	Address() string
	// Pid is the process of the present incarnation (this process for in-process workers).
	Pid() int
	// Stop retires and ends the worker within ctx's time, killing it at the
	// end; safe twice.
	Stop(ctx context.Context, reason string) error
	// Done is closed when the worker has ended for good; Err then says why (nil:
	// it was asked to).
	Done() <-chan struct{}
	Err() error
}

// Restarts is a Handle whose worker can be ended and started anew.
type Restarts interface {
	// Restart returns when the next incarnation has joined.
	Restart(ctx context.Context, reason string) error
}
