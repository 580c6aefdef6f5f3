// Package chaos runs random graphs on a cluster of processes while workers are
// killed, frozen, starved of memory, retired and restarted and their connections
// are cut, and others use actors, queues, locks and events beside them; compares all results with a sequential run, and looks for what is left behind.
package chaos
