package gdask

import "github.com/gdask/gdask/core/client"

// Event is a flag that clients and tasks share by its name, also with Python's
// Event: Set wakes all that Wait, until Clear. Once set it stays, whoever comes and
// goes.
type Event = client.Event

// NewEvent is the flag of a name, "" for a new one.
func NewEvent(c *Client, name string) *Event { return c.core.Event(name) }
