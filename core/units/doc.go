// Package units reads and prints amounts of bytes and durations as Dask's
// configuration spells them.
package units
