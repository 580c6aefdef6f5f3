//go:build linux || freebsd

package cluster

import (
	"math"

	"golang.org/x/sys/unix"
)

// rssLimit is the hard limit on resident memory in bytes, 0 when there is none.
func rssLimit() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_RSS, &l); err != nil || uint64(l.Max) > math.MaxInt64 {
		return 0
	}
	return int64(l.Max)
}
