// Package bench measures a cluster of two workers with one thread each, as other
// distributed schedulers are measured: the same workloads, one figure per line.
package bench
