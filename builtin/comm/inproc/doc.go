// Package inproc is the builtin comm protocol "inproc": connections between
// parts of one process. Messages pass as Go values by reference; for everything
// else a connection is also an ordinary byte stream.
//
// Addresses are "ip/pid/n" as in Dask: the machine, the process and a counter.
package inproc
