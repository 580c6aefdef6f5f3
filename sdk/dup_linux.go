package sdk

import "golang.org/x/sys/unix"

// dup2 makes descriptor to the same as from. Linux has no dup2 on every
// architecture.
func dup2(from, to int) error { return unix.Dup3(from, to, 0) }
