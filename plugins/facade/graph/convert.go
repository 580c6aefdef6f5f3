package graph

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	graphv1 "github.com/gdask/gdask/sdk/proto/gdask/graph/v1"
	"github.com/gdask/gdask/sdk/wire"
)

// runtime is the name of what understands the run specs of the reader.
const runtime = "python"

// request carries the fields that the reader reads; code and span metadata are
// for others, and may be large.
func request(g *wire.UpdateGraph) (*graphv1.ReadRequest, error) {
	frames, err := wire.EncodeFrames(&wire.UpdateGraph{
		ExprSer: g.ExprSer, Keys: g.Keys, InternalPriority: g.InternalPriority,
		Actors: g.Actors, Annotations: g.Annotations,
	})
	if err != nil {
		return nil, fmt.Errorf("graph reader: request: %w", err)
	}
	return &graphv1.ReadRequest{Frames: frames}, nil
}

// tasks turns the answer into what the scheduler takes. Keys are shared between
// a task and those that depend on it.
func tasks(answer *graphv1.ReadResponse) ([]wire.TaskDef, error) {
	c := converter{known: make(map[string]wire.Key, len(answer.Tasks))}
	out := make([]wire.TaskDef, len(answer.Tasks))
	for i, t := range answer.Tasks {
		if err := c.task(&out[i], t); err != nil {
			return nil, fmt.Errorf("graph reader: task %d of %d: %w", i, len(answer.Tasks), err)
		}
	}
	return out, nil
}

type converter struct{ known map[string]wire.Key }

func (c *converter) task(def *wire.TaskDef, t *graphv1.Task) (err error) {
	*def = wire.TaskDef{
		Runtime: runtime, Order: t.Order, Priority: t.Priority, Retries: int(t.Retries),
		Workers: t.Workers, AllowOther: t.AllowOtherWorkers, Actor: t.Actor,
	}
	if def.Key, err = c.key(t.Key); err != nil {
		return err
	}
	if len(t.Dependencies) > 0 {
		def.Dependencies = make([]wire.Key, len(t.Dependencies))
	}
	for i, d := range t.Dependencies {
		if def.Dependencies[i], err = c.key(d); err != nil {
			return err
		}
	}
	if len(t.Resources) > 0 {
		def.Resources = t.Resources
	}
	if len(t.RunSpec) > 0 {
		def.RunSpec = wire.Opaque{Raw: pickledPlaceholder(), Frames: t.RunSpec}
	}
	if len(t.Annotations) > 0 {
		def.Annotations = wire.Opaque{Raw: t.Annotations[0], Frames: t.Annotations[1:]}
	}
	return nil
}

// key checks the bytes once and returns the one copy of each key.
func (c *converter) key(raw []byte) (wire.Key, error) {
	if k, ok := c.known[string(raw)]; ok {
		return k, nil
	}
	k, rest, err := wire.ParseKey(raw)
	if err != nil {
		return "", fmt.Errorf("key %x: %w", raw, err)
	}
	if len(rest) > 0 {
		return "", fmt.Errorf("key %x: %d bytes too many", raw, len(rest))
	}
	c.known[string(raw)] = k
	return k, nil
}

// pickledPlaceholder is {"__Pickled__": 0}: the header is the first frame.
func pickledPlaceholder() []byte {
	b := msgp.AppendMapHeader(nil, 1)
	b = msgp.AppendString(b, "__Pickled__")
	return msgp.AppendInt(b, 0)
}
