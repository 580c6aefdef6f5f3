//go:build !unix

package suite

import "errors"

func (p *process) spawn(bool) error {
	return errors.New("the suite needs process groups and unix sockets; run it on a unix system")
}

func (p *process) terminate()        {}
func (p *process) kill()             { _ = p.cmd.Process.Kill() }
func (p *process) left() bool        { return false }
func (p *process) signalled() string { return "" }
