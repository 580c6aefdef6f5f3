package chaos

import (
	"github.com/shirou/gopsutil/v3/process"
	"golang.org/x/sys/unix"
)

// adoptOrphans makes this process the parent of processes whose parents die.
func adoptOrphans() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// reapOrphans takes note of the ends of adopted processes. It must not run while
// somebody waits for a child of his own.
func reapOrphans() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if pid <= 0 || err != nil {
			return
		}
	}
}

// childrenOf are the processes that a process is the parent of.
func childrenOf(pid int) ([]*process.Process, error) {
	all, err := process.Processes()
	var out []*process.Process
	for _, p := range all {
		if parent, e := p.Ppid(); e == nil && int(parent) == pid { // an error: it has just ended
			out = append(out, p)
		}
	}
	return out, err
}
