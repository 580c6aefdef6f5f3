package task

import (
	"reflect"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// Reference is a value that stands for the result of another task: a future.
// It may be an argument or, at any depth, an element of a slice, an array or a
// map, or a field of interface type in a struct.
type Reference interface {
	// TaskKey is the key of the task.
	TaskKey() wire.Key
	// TaskType is the type of its result; nil when unknown.
	TaskType() reflect.Type
}

// Call is the run spec of the runtime "go": a function and its arguments. It is
// immutable once made; in one process it is passed by reference.
type Call struct {
	Name string // the function's registered name
	Sig  uint64 // the function's signature hash at the caller
	Args []Arg  // one for each argument, without the context

	fn *Function // where the call was made from, to skip the look-up
}

// Arg is one argument: a key when Key is set, nested arguments when Nest is
// set, else the literal Value.
type Arg struct {
	// Value is the literal. After [DecodeCall] it is still encoded; only
	// [Function.Bind] knows the type to decode it to.
	Value any
	// Key is the task whose result is the argument.
	Key wire.Key
	// Nest is a container that has keys somewhere inside.
	Nest *Nest
}

// NestKind is the kind of container of a Nest.
type NestKind uint8

// Kinds of containers; the numbers are part of the run spec.
const (
	NestList   NestKind = 2 // Items are the elements of a slice or array
	NestMap    NestKind = 3 // Items alternate keys and values
	NestStruct NestKind = 4 // Items are the fields named Names; Base has the others
)

// Nest is a container argument with keys inside.
type Nest struct {
	Kind  NestKind
	Items []Arg
	Names []string
	Base  any
}

// Tags of encoded arguments that are not plain scalars; the kinds of Nest
// continue the numbering.
const (
	tagLiteral = 0
	tagKey     = 1
)

// literal is a literal argument that has not been decoded yet.
type literal struct{ o wire.Opaque }

// Dependencies appends the keys that the call needs to keys, each once, in the
// order of their first use.
func (c *Call) Dependencies(keys []wire.Key) []wire.Key {
	start := len(keys)
	var seen map[wire.Key]struct{}
	eachKey(c.Args, func(k wire.Key) {
		if seen == nil {
			if slices.Contains(keys[start:], k) {
				return
			}
			if len(keys)-start >= 16 { // a set pays from here on
				seen = make(map[wire.Key]struct{}, 64)
				for _, have := range keys[start:] {
					seen[have] = struct{}{}
				}
			}
		}
		if seen != nil {
			if _, ok := seen[k]; ok {
				return
			}
			seen[k] = struct{}{}
		}
		keys = append(keys, k)
	})
	return keys
}

func eachKey(args []Arg, f func(wire.Key)) {
	for i := range args {
		switch {
		case args[i].Key != "":
			f(args[i].Key)
		case args[i].Nest != nil:
			eachKey(args[i].Nest.Items, f)
		}
	}
}
