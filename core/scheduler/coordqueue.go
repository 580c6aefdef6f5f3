package scheduler

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// These are the requests of Dask's Queue, Variable and Event.

// coordName is the name of a primitive: any value that may be a key.
func (r *request) coordName() (wire.Key, error) {
	k, _, err := wire.ParseKey(r.raw("name"))
	if err != nil {
		return "", &pythonError{"TypeError", fmt.Sprintf("operation %s: name: %v", r.op, err)}
	}
	return k, nil
}

// record is the field key or the field data, apart from the message.
func (c *call) record() (coord.Record, error) {
	if c.has("key") {
		k, _, err := wire.ParseKey(c.raw("key"))
		if err != nil {
			return coord.Record{}, fmt.Errorf("operation %s: key: %w", c.op, err)
		}
		return coord.Record{Key: k}, nil
	}
	v, err := cut(encoded(c.opaque("data")))
	if err != nil {
		return coord.Record{}, fmt.Errorf("operation %s: data: %w", c.op, err)
	}
	v.Raw = append([]byte(nil), v.Raw...)
	return coord.Record{Value: v}, nil
}

func (c *call) queueCreate() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	return c.done(func(by coord.Caller) coord.Event {
		return coord.QueueCreate{Caller: by, Name: name, Max: int(c.float("maxsize", 0))}
	})
}

func (c *call) queuePut() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	r, err := c.record()
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{key: r.Key, timeout: c.boundOf(-1), make: func(by coord.Caller) coord.Event {
		return coord.QueuePut{Caller: by, Name: name, Record: r}
	}})
	if err == nil && a.Late {
		err = c.tooLate("no room in queue %s", name, r.Key)
	}
	return nil, err
}

// tooLate is the error of a request whose time is over; a task that is still not
// known is the likely reason.
func (c *call) tooLate(what string, name, key wire.Key) error {
	known := key == ""
	if !known {
		if err := c.s.loop.do(c.ctx, func() { _, known = c.s.loop.m.State(key) }); err != nil {
			return err
		}
	}
	if !known {
		return asPython("TimeoutError", "Task %s unknown to scheduler.", key)
	}
	return asPython("TimeoutError", what+" within %v", name, c.boundOf(-1))
}

func (c *call) queueGet() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	e := coord.QueueGet{Name: name, Batch: int(c.float("batch", 0))}
	single := !c.has("batch") || string(c.raw("batch")) == "\xc2"
	if string(c.raw("batch")) == "\xc3" {
		e.All = true
	} else if !single && e.Batch < 1 {
		return nil, asPython("ValueError", "queue_get: batch %d of queue %s; give 1 or more, or True for all that is there", e.Batch, name)
	}
	a, err := c.ask(asking{timeout: c.boundOf(-1), make: func(by coord.Caller) coord.Event {
		e.Caller = by
		return e
	}})
	if err == nil && a.Late {
		err = c.tooLate("no item in queue %s", name, "")
	}
	if err != nil {
		return nil, err
	}
	c.confirm = c.bool("confirm", false)
	c.undo = func() { c.s.later(coord.QueueReturn{Owner: e.Owner, Name: name, Records: a.Records}) }
	records, err := c.told(a.Records, "")
	if err != nil || !single {
		return &tree{records}, err
	}
	return &tree{records[0]}, nil
}

// told are records as clients see them: of futures also the task's state.
func (c *call) told(rs []coord.Record, token string) ([]any, error) {
	out := make([]any, len(rs))
	err := c.s.loop.do(c.ctx, func() {
		for i := range rs {
			out[i] = c.s.loop.toldRecord(rs[i], token)
		}
	})
	return out, err
}

func (l *loop) toldRecord(r coord.Record, token string) object {
	if r.Key == "" {
		return object{{"type", "msgpack"}, {"value", &r.Value}}
	}
	o := object{{"type", "Future"}, {"value", r.Key}}
	if token != "" {
		o = append(o, field{"token", token})
	}
	t, ok := l.m.Task(r.Key)
	if !ok {
		return append(o, field{"state", "lost"})
	}
	o = append(o, field{"state", t.State.String()})
	if t.State.String() == "erred" {
		if t.Exception.IsNil() {
			t.Exception = wire.StringOpaque(t.ExceptionText)
		}
		o = append(o, field{"exception", &t.Exception}, field{"traceback", &t.Traceback})
	}
	return o
}

func (c *call) queueSize() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{timeout: -1, make: func(by coord.Caller) coord.Event {
		return coord.QueueSize{Caller: by, Name: name}
	}})
	return a.N, err
}

func (c *call) variableSet() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	r, err := c.record()
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{key: r.Key, timeout: c.boundOf(30 * time.Second), make: func(by coord.Caller) coord.Event {
		return coord.VariableSet{Caller: by, Name: name, Record: r}
	}})
	if err == nil && a.Late {
		err = c.tooLate("variable %s not set", name, r.Key)
	}
	return nil, err
}

func (c *call) variableGet() (any, error) {
	name, err := c.coordName()
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{timeout: c.boundOf(-1), make: func(by coord.Caller) coord.Event {
		return coord.VariableGet{Caller: by, Name: name}
	}})
	if err == nil && a.Late {
		err = c.tooLate("variable %s was not set", name, "")
	}
	if err != nil {
		return nil, err
	}
	c.undo = func() { c.s.later(coord.VariableReceived{Token: a.Token}) }
	records, err := c.told(a.Records, a.Token)
	if err != nil {
		return nil, err
	}
	return &tree{records[0]}, nil
}

// coordinate reads what clients say of queues and variables on their stream.
func (r *clientReader) coordinate(req *request) error {
	name, err := req.coordName()
	if err != nil {
		return err
	}
	l := r.s.loop
	var key wire.Key
	if req.has("key") {
		if key, _, err = wire.ParseKey(req.raw("key")); err != nil {
			return err
		}
		// First the client's own wish: the other may be the last.
		r.event(state.ClientDesiresKeys{Client: r.id, Keys: []wire.Key{key}})
	}
	token := req.str("token")
	switch req.op {
	case "queue-future-release":
		r.run(func() { l.coordinate(coord.FutureReceived{Client: r.id, Name: name, Key: key}) })
	case "variable-future-received-confirm":
		r.run(func() { l.coordinate(coord.VariableReceived{Token: token}) })
	case "queue_release":
		r.run(func() { l.coordinate(coord.QueueRelease{Owner: coord.Owner{Client: r.id}, Name: name}) })
	case "variable_delete":
		r.run(func() { l.coordinate(coord.VariableDelete{Name: name}) })
	}
	return nil
}
