package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Names of the functions with which the suite tests Go workers.
const (
	echoName  = "gdask.conformance.echo"
	failName  = "gdask.conformance.fail"
	panicName = "gdask.conformance.panic"
	waitName  = "gdask.conformance.wait"
	largeName = "gdask.conformance.large"
	printName = "gdask.conformance.print"
)

// largeSize is the size of a large result.
const largeSize = 16 << 20

// longLine is longer than the buffer of a pipe and of most readers.
const longLine = 70 << 10

// Functions are the functions that the suite calls, by name. A Go plugin need
// not have them: then the suite checks that its workers refuse them by name. A
// class that has them is tested with running tasks.
func Functions() map[string]any {
	return map[string]any{
		echoName:  func(n int64) int64 { return n },
		failName:  errors.New,
		panicName: func(text string) { panic(text) }, //nolint:forbidigo // what it is for
		waitName: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
		largeName: func(n int) []byte { return bytes.Repeat([]byte("gdask"), n/5+1)[:n] },
		printName: func(n int) error {
			_, err := fmt.Fprintln(os.Stdout, strings.Repeat("x", n))
			return err
		},
	}
}

// RegisterFunctions offers the functions to the workers of a registry.
func RegisterFunctions(r *task.Registry) error {
	var errs []error
	for name, fn := range Functions() {
		errs = append(errs, r.Register(name, fn))
	}
	return errors.Join(errs...)
}

// reference is the result of another task as an argument.
type reference wire.Key

// goCall is the run spec of a call of one of the functions.
func goCall(name string, args ...any) (wire.Opaque, error) {
	r := task.NewRegistry()
	if err := RegisterFunctions(r); err != nil {
		return wire.Opaque{}, err
	}
	c := &task.Call{Name: name, Sig: r.Lookup(name).Sig()}
	for _, a := range args {
		if k, ok := a.(reference); ok {
			c.Args = append(c.Args, task.Arg{Key: wire.Key(k)})
			continue
		}
		c.Args = append(c.Args, task.Arg{Value: a})
	}
	return c.Encode()
}

// goSpecs are the run specs of the runtime "go".
func goSpecs() (*Specs, error) {
	s := &Specs{Runtime: "go"}
	var errs [6]error
	s.Quick, errs[0] = goCall(echoName, int64(7))
	s.Fail, errs[1] = goCall(failName, failText)
	s.Wait, errs[2] = goCall(waitName)
	s.Large, errs[3] = goCall(largeName, largeSize)
	s.Value, errs[4] = task.EncodeValue(int64(42))
	s.Use = func(k wire.Key) wire.Opaque {
		o, err := goCall(echoName, reference(k))
		errs[5] = err
		return o
	}
	_ = s.Use(wire.StrKey("probe"))
	return s, errors.Join(errs[:]...)
}

// failText is what the failing function says.
const failText = "the conformance suite wanted this error"
