// Package supervise keeps one plugin instance alive. One goroutine owns an
// instance: it probes its health, restarts it with back-off after an unexpected
// end, gives up when that happens too often, and ends it by a ladder of ever
// ruder means when asked. Others send it requests and read snapshots; no lock is
// held across a call to a plugin.
//
// Loss of its connections is what the scheduler acts on; the end of the process
// is what the supervisor acts on. Neither calls the other.
package supervise
