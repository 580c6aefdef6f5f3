//go:build unix

package sdk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// claimStdout keeps everything but go-plugin's own line off standard output:
// descriptor 1 becomes standard error, and os.Stdout the true one, which
// go-plugin replaces as soon as it has written the line.
func claimStdout() (restore func(), err error) {
	saved, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 10)
	if err != nil {
		return nil, fmt.Errorf("keep standard output for the handshake: %w", err)
	}
	if err := dup2(2, 1); err != nil {
		return nil, errors.Join(fmt.Errorf("point standard output at standard error: %w", err), unix.Close(saved))
	}
	before := os.Stdout
	f := os.NewFile(uintptr(saved), "stdout")
	os.Stdout = f
	return func() {
		os.Stdout = before
		_ = f.Close()
	}, nil
}

// killGroup ends this process and all that it started, when the group is ours.
func killGroup() {
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Kill(0, unix.SIGKILL)
	}
	_ = unix.Kill(os.Getpid(), unix.SIGKILL)
}

// killChildren ends what this process started and left behind; without a group
// of our own there is no telling what that is.
func killChildren() {
	if unix.Getpgrp() == os.Getpid() {
		_ = unix.Kill(0, unix.SIGKILL)
	}
}

// nameProcess gives the process the name of its program in ps and top again: it
// was executed by descriptor number.
func nameProcess(argv0 string) {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(argv0)), 0)
}
