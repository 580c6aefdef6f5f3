// Package graph has the interface of graph readers: what makes tasks of a graph
// that the scheduler cannot read itself.
package graph

import (
	"context"

	"github.com/gdask/gdask/sdk/wire"
)

// Reader turns the graph of a client of another language, which is opaque to
// the scheduler, into tasks.
type Reader interface {
	// Read returns the tasks of g with their dependencies, annotations and order.
	// Several calls may run at once. A graph that cannot be read is an *Error.
	Read(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error)
}

// Error says that a graph could not be read, with what its client needs to
// raise the true exception.
type Error struct {
	// Text is the class and the text of the exception.
	Text string
	// Exception and Traceback are pickles; Traceback may be empty.
	Exception, Traceback []byte
	// TracebackText is the traceback for people.
	TracebackText string
}

// Error implements error.
func (e *Error) Error() string { return "graph not readable: " + e.Text }
