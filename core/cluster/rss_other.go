//go:build !linux && !freebsd

package cluster

// rssLimit is 0: this system has no limit on resident memory.
func rssLimit() int64 { return 0 }
