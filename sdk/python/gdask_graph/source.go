// Package gdaskgraph carries the source of the Python package gdask_graph, the
// graph reader, so that one binary can start it with any interpreter.
package gdaskgraph

import "embed"

// Name is the name of the Python package.
const Name = "gdask_graph"

// Source is the package's files.
//
//go:embed *.py
var Source embed.FS
