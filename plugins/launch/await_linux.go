package launch

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitEnd returns when the process has ended, without reaping it: its id, which
// is its group's number, stays taken.
func awaitEnd(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
