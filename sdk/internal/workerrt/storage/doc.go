// Package storage keeps encoded values in files of a directory: what a worker
// has no room for in memory. It knows nothing of tasks.
package storage
