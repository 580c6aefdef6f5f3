// Package simulate runs a whole cluster in one goroutine and on one random
// seed: the scheduler's machine, the machines of its workers, clients, and a
// network between them that delays, cuts and reorders between streams, but
// never within one. Workers are killed, frozen, paused, retired and started
// again; clients come, go, change their minds and lose their connections.
//
// An oracle knows the value of every task and who may fail. While a world runs,
// its checkers compare what the machines do and say with what they may; when it
// ends, everything that a client wants must be there, or have failed for a
// reason that the oracle knows, and after the last client nothing may be left.
//
// The same Settings give the same history, event by event, so that a failure is
// found again with its seed. Nothing here is for production: it is the test
// bench of package state and of the worker's machine.
package simulate
