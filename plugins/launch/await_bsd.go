//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package launch

import (
	"errors"

	"golang.org/x/sys/unix"
)

// awaitEnd returns when the process has ended, without reaping it: its id, which
// is its group's number, stays taken.
func awaitEnd(pid int) {
	kq, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(kq) }()
	var ev [1]unix.Kevent_t
	unix.SetKevent(&ev[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	ev[0].Fflags = unix.NOTE_EXIT
	for {
		_, err := unix.Kevent(kq, ev[:], ev[:], nil)
		if !errors.Is(err, unix.EINTR) {
			return // ended, or ended before we asked
		}
	}
}
