// Package nanny is the watch over the memory of worker processes: one that
// exceeds its limit is ended before the system runs out of memory and ends
// something else. Restarting and everything else that Dask's Nanny does is the
// supervisor's, which calls this package for each process that it keeps.
package nanny
