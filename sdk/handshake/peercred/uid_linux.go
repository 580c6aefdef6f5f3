package peercred

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// peerUID is the user that the other end had when it connected or listened.
func peerUID(c net.Conn) (int, error) {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return 0, errors.New("it is no unix socket")
	}
	raw, err := uc.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var sysErr error
	err = raw.Control(func(fd uintptr) {
		cred, sysErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, sysErr); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
