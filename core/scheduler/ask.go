package scheduler

import "github.com/gdask/gdask/sdk/wire"

// newAsk is a request of the scheduler's own to a worker or nanny.
func newAsk(op string, fields ...field) (*wire.UnknownMsg, error) {
	b, err := appendObject(nil, append(object{{"op", op}}, fields...))
	return &wire.UnknownMsg{Name: op, Map: wire.Opaque{Raw: b}}, err
}
