//go:build unix

package suite

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawn starts the process in a group of its own. The lifeline is descriptor 3
// and belongs to nobody else.
func (p *process) spawn(tied bool) error {
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if !tied {
		return p.cmd.Start()
	}
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "lifeline"), os.NewFile(uintptr(fds[1]), "lifeline")
	p.lifeline, p.cmd.ExtraFiles = ours, []*os.File{theirs}
	err = p.cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
	}
	return err
}

// terminate sends SIGTERM to the group.
func (p *process) terminate() { p.signal(unix.SIGTERM) }

// kill ends the group, also what the process left behind. The group's id is
// taken as long as the process is not reaped or the group has members.
func (p *process) kill() {
	if !p.ended() || p.left() {
		p.signal(unix.SIGKILL)
	}
}

func (p *process) signal(s unix.Signal) {
	if err := unix.Kill(-p.cmd.Process.Pid, s); errors.Is(err, unix.EPERM) {
		_ = unix.Kill(p.cmd.Process.Pid, s) // darwin says so of a group of zombies
	}
}

// left reports whether anything of the group still lives after the process
// itself was reaped. Dead ones that nobody reaps, as in containers without an
// init, do not count where the system tells them apart.
func (p *process) left() bool {
	group := p.cmd.Process.Pid
	if unix.Kill(-group, 0) != nil {
		return false
	}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return true
	}
	for _, name := range stats {
		text, _ := os.ReadFile(name) // it may be gone by now
		_, rest, ok := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); ok && len(f) > 2 && f[0] != "Z" && f[2] == strconv.Itoa(group) {
			return true
		}
	}
	return false
}

// signalled names the signal that ended the process, "" none.
func (p *process) signalled() string {
	if ws, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ws.Signal().String()
	}
	return ""
}
