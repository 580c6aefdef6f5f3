package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// TaskDefs are the tasks of a graph.
type TaskDefs []TaskDef

// leastTask is about how many bytes the smallest useful task takes.
const leastTask = 32

// MarshalMsg implements msgp.Marshaler.
func (z TaskDefs) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendArrayHeader(b, uint32(len(z)))
	for i := range z {
		var err error
		if b, err = z[i].MarshalMsg(b); err != nil {
			return b, msgp.WrapError(err, i)
		}
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler. A TaskDef is hundreds of times larger
// than the few bytes that may announce one: memory follows what has been read, and
// each task must have a key.
func (z *TaskDefs) UnmarshalMsg(b []byte) ([]byte, error) {
	n, rest, err := lenientArray(b)
	if err != nil {
		return b, err
	}
	*z = make(TaskDefs, 0, min(int(n), len(rest)/leastTask+1))
	for i := range int(n) {
		*z = append(*z, TaskDef{})
		t := &(*z)[i]
		if rest, err = t.UnmarshalMsg(rest); err != nil {
			return b, msgp.WrapError(err, i)
		}
		if t.Key == "" {
			return b, fmt.Errorf("wire: task %d of %d in a graph has no key", i, n)
		}
	}
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (z TaskDefs) Msgsize() int {
	n := msgp.ArrayHeaderSize
	for i := range z {
		n += z[i].Msgsize()
	}
	return n
}
