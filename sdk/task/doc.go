// Package task has the functions that Go workers run: their registry by stable
// name and signature, the run spec of a call, and the codecs of values.
//
// # Aliasing
//
// A result stays the Go value that the function returned for as long as it is
// used inside the worker that made it: every task that depends on it, and in
// one process also the client, gets that very value, not a copy. Slices, maps
// and pointers in it are therefore shared. A function must not change its
// arguments, nor a value after it returned it; make a copy first. Values that
// travel to another process are encoded, so a program that breaks the rule
// works on some days only.
//
// # Disk
//
// A worker whose memory fills writes results to disk and reads them back when
// they are used: as new values, equal to the old ones. [Faithful] says which
// values can be; others stay in memory.
package task
