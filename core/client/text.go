package client

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// exceptionText makes the best of an exception that came without a text.
func exceptionText(o wire.Opaque) string {
	if err, ok := o.Ref.(error); ok {
		return err.Error()
	}
	if msgp.NextType(o.Raw) == msgp.StrType {
		if s, _, err := msgp.ReadStringBytes(o.Raw); err == nil {
			return s
		}
	}
	return fmt.Sprintf("a failure whose text this client cannot read (%d bytes, %d frames)", len(o.Raw), len(o.Frames))
}
