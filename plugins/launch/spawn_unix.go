//go:build unix

package launch

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gdask/gdask/sdk/handshake"
)

// Descriptors of the plugin beside the standard ones.
const (
	lifelineFD = 3
	execFD     = 4
)

// spawnLocked executes the file in a group of its own. The host's ends of all
// pipes are closed on exec, so that no other child holds them.
func (r *processRunner) spawnLocked() (err error) {
	exe, err := openExecutable(r.spec.Path, r.spec.Checksum)
	if err != nil {
		return err
	}
	files := &opened{}
	defer func() { files.close(err) }()
	if exe.file != nil {
		files.theirs(exe.file)
	}
	ours, theirs, err := lifelinePair(files)
	if err != nil {
		return err
	}
	stdout, stdoutW, err := files.pipe()
	if err != nil {
		return err
	}
	stderr, stderrW, err := files.pipe()
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{
		Path:        exe.path,
		Args:        append([]string{exe.name}, r.spec.Args...),
		Env:         append(r.env, handshake.LifelineEnv+"="+strconv.Itoa(lifelineFD)),
		Stdout:      stdoutW,
		Stderr:      stderrW,
		ExtraFiles:  []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if exe.file != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, exe.file)
		cmd.Env = append(cmd.Env, handshake.ExecFDEnv+"="+strconv.Itoa(execFD))
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("execute %s: %w", exe.name, err)
	}
	r.cmd, r.lifeline = cmd, ours
	go r.follow(cmd, stdout, stderr)
	return nil
}

// opened are the files of a spawn: ours are closed when it failed, theirs always.
type opened struct{ our, their []*os.File }

func (o *opened) ours(f *os.File)   { o.our = append(o.our, f) }
func (o *opened) theirs(f *os.File) { o.their = append(o.their, f) }

func (o *opened) pipe() (r, w *os.File, err error) {
	r, w, err = os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("pipe to the plugin: %w", err)
	}
	o.ours(r)
	o.theirs(w)
	return r, w, nil
}

func (o *opened) close(err error) {
	for _, f := range o.their {
		_ = f.Close()
	}
	if err == nil {
		return
	}
	for _, f := range o.our {
		_ = f.Close()
	}
}

// lifelinePair makes the two ends of a lifeline.
func lifelinePair(files *opened) (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("lifeline of the plugin: %w", err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "lifeline"), os.NewFile(uintptr(fds[1]), "lifeline")
	files.ours(ours)
	files.theirs(theirs)
	return ours, theirs, nil
}

// killGroupOf kills a process and its group. The caller knows that the id has
// not been reaped.
func killGroupOf(pid int) { signalGroup(pid, unix.SIGKILL) }

func signalGroup(pid int, sig os.Signal) {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return
	}
	if err := unix.Kill(-pid, s); errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EPERM) {
		_ = unix.Kill(pid, s) // darwin says EPERM for a group of zombies
	}
}

// exitOf translates what the system tells.
func exitOf(st *os.ProcessState) Exit {
	if st == nil {
		return Exit{Code: -1}
	}
	e := Exit{Code: st.ExitCode()}
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = ws.Signal().String()
	}
	if ru, ok := st.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = int64(ru.Maxrss)
		if runtime.GOOS != "darwin" {
			e.MaxRSS *= 1024
		}
	}
	return e
}
