// Package plugins is the host of plugins: it finds classes by name, runs builtin
// ones in this process or in child processes, third parties' in child processes
// always, and supervises what it started.
package plugins
