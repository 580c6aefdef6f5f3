package supervise

import "strings"

// nearLimit reports whether the most that a process had resident was close
// enough to its limit to explain a kill.
func nearLimit(rss, limit int64) bool {
	return limit > 0 && rss >= limit/10*9
}

// outOfMemory reports whether the Go runtime said that it got no more memory.
func outOfMemory(stderr []string) bool {
	for _, line := range stderr {
		if strings.HasPrefix(line, "fatal error: ") && strings.Contains(line, "out of memory") {
			return true
		}
	}
	return false
}

// oomCounter is an Instance that knows how often the kernel killed a process of
// its control group for lack of memory while the instance lived.
type oomCounter interface {
	OOMKills() int
}

func oomKilled(inst Instance) bool {
	c, ok := inst.(oomCounter)
	return ok && c.OOMKills() > 0
}
