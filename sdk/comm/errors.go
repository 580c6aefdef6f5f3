package comm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/nearest"
)

// AddressError says what is wrong with an address and how to write it right.
type AddressError struct {
	Address string // as given
	Problem string // such as "missing port number"
	Fix     string // such as "write host:port, for example 127.0.0.1:8786"
	Err     error  // the cause, if another error made this one
}

// Error implements error.
func (e *AddressError) Error() string {
	s := fmt.Sprintf("comm: address %q: %s", e.Address, e.Problem)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

// Unwrap returns the cause.
func (e *AddressError) Unwrap() error { return e.Err }

// FatalError marks a failure to connect that another attempt cannot mend, such
// as a refused certificate: Dial returns it at once.
type FatalError struct {
	Err error
}

// Error implements error.
func (e *FatalError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *FatalError) Unwrap() error { return e.Err }

// DialError says that no connection came about in the time allowed.
type DialError struct {
	Address  string        // with its scheme
	Attempts int           // how often it was tried
	Elapsed  time.Duration // over all attempts
	Err      error         // of the last attempt, and of the context
}

// Error implements error.
func (e *DialError) Error() string {
	return fmt.Sprintf("comm: no connection to %s after %v and %d attempt(s): %v; check that a process listens there and that no firewall is between",
		e.Address, e.Elapsed.Round(time.Millisecond), e.Attempts, e.Err)
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// Timeout says whether time ended the attempts, and not a cancellation.
func (e *DialError) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// Temporary makes it a net.Error: the peer may be there later.
func (e *DialError) Temporary() bool { return true }

// unknownScheme names the schemes there are and the one probably meant.
func unknownScheme(address, scheme string, known []string) *AddressError {
	fix := "known schemes: " + strings.Join(known, ", ")
	if near := nearest.Of(scheme, known); near != "" {
		fix = fmt.Sprintf("did you mean %q? %s", near, fix)
	}
	return &AddressError{Address: address, Problem: fmt.Sprintf("unknown scheme %q", scheme), Fix: fix}
}
