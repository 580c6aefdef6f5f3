// Package hook is for code that users run inside of workers, nannies and the
// scheduler: plugins, and functions that are called there out of band. It has what such
// code may implement and what it sees of its surroundings. The code itself is a
// registered function like that of any task, so that it reaches other processes
// by its name; a plugin is what such a function returns.
package hook

// Prefixes of the names of registered functions that tell of their worker: such a
// function has no arguments. What it returns becomes part of the worker's metrics with
// every heartbeat, or of what the scheduler knows of it from its registration.
const (
	MetricPrefix  = "metric:"
	StartupPrefix = "startup:"
)
