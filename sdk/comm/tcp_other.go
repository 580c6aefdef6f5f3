//go:build !linux

package comm

import "time"

// setUserTimeout exists on Linux only; elsewhere keepalive has to do.
func setUserTimeout(uintptr, time.Duration) {}
