// Package scheduler is the scheduler around the pure machine of package state:
// it listens, speaks the wire protocol with clients and workers, answers
// requests, keeps the time and serves the pages of the dashboard.
//
// One goroutine owns the machine (see loop). Every connection has one goroutine
// that reads; what it reads goes to the loop in whole batches, and what the
// machine answers leaves in one call per destination, so that a task costs no
// channel operation and no change of goroutine of its own.
package scheduler
