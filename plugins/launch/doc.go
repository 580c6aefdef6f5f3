// Package launch starts plugin processes and makes sure that they, and all that
// they start, end again. It owns the process: go-plugin speaks the handshake and
// gRPC with it, through our runner.Runner and never through an exec.Cmd of its
// own.
//
// A process gets a process group, a lifeline on descriptor 3 whose end of file
// tells it that the host is gone, a private directory for its socket, no standard
// input, and an environment that we built. Of its standard output only the first
// line is read on; its standard error is parsed here, so that no line can harm
// the host. When the process ends, its group is killed before it is reaped: the
// process id still protects the group's number then.
//
// TRAPS.md lists what goes wrong with plugin processes elsewhere, and the test
// that shows that it does not here.
package launch
