// Package state is the worker as a pure machine: events in, instructions out.
// It does no I/O, reads no clock and starts no goroutine; one goroutine at a
// time owns a Machine.
//
// States and their names are those of Dask's worker. What differs: inputs of a
// task are dropped when it ends rather than when it is forgotten, tasks that
// wait for a resource never block tasks that need another one, and a function
// that was cancelled (its context ended) and is wanted again runs anew unless
// it succeeded all the same.
package state
