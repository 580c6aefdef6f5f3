// Package chaos runs random graphs on a cluster of processes while workers are
// killed, frozen and starved of memory and their connections are cut, compares
// all results with a sequential run, and looks for what is left behind.
package chaos
