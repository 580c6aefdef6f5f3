package client

import (
	"context"
	"fmt"
)

// Variable is a value that clients share by its name. It stays until it is
// deleted, whoever comes and goes.
type Variable struct {
	c    *Client
	name string
}

// Variable is the variable of a name, "" for a new one.
func (c *Client) Variable(name string) *Variable {
	return &Variable{c: c, name: nameOr("variable", name)}
}

// Name is the variable's name.
func (v *Variable) Name() string { return v.name }

// Set sets the variable.
func (v *Variable) Set(ctx context.Context, e Entry) error {
	name, value, err := e.field()
	if err != nil {
		return err
	}
	_, err = v.c.coordinate(ctx, "variable_set", true, "name", v.name, name, value)
	return err
}

// Get is the variable's value; it waits until there is one.
func (v *Variable) Get(ctx context.Context) (Entry, error) {
	o, err := v.c.coordinate(ctx, "variable_get", true, "name", v.name)
	if err != nil {
		return Entry{}, err
	}
	e, token, err := v.c.entry(o)
	if err != nil {
		return e, fmt.Errorf("client: value of variable %s: %w", v.name, err)
	}
	if e.Future != nil {
		err = v.c.saySomething("variable-future-received-confirm", "name", v.name, "key", e.Future.Key(), "token", token)
	}
	return e, err
}

// Delete unsets the variable for all.
func (v *Variable) Delete() error { return v.c.saySomething("variable_delete", "name", v.name) }

// Event is a flag that clients share by its name.
type Event struct {
	c    *Client
	name string
}

// Event is the flag of a name, "" for a new one.
func (c *Client) Event(name string) *Event { return &Event{c: c, name: nameOr("event", name)} }

// Name is the event's name.
func (e *Event) Name() string { return e.name }

// Set sets the flag and wakes all who wait.
func (e *Event) Set(ctx context.Context) error {
	_, err := e.c.coordinate(ctx, "event_set", false, "name", e.name)
	return err
}

// Clear unsets the flag.
func (e *Event) Clear(ctx context.Context) error {
	_, err := e.c.coordinate(ctx, "event_clear", false, "name", e.name)
	return err
}

// IsSet asks for the flag.
func (e *Event) IsSet(ctx context.Context) (bool, error) {
	return e.c.granted(ctx, "event_is_set", false, "name", e.name)
}

// Wait waits until the flag is set; only the end of ctx, or of the connection,
// is an error.
func (e *Event) Wait(ctx context.Context) error {
	ok, err := e.c.granted(ctx, "event_wait", true, "name", e.name)
	if err == nil && !ok {
		err = outOfTime(ctx, "event "+e.name+" was not set")
	}
	return err
}
