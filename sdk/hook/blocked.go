package hook

import (
	"fmt"
	"slices"
	"strings"
)

// BlockedError answers an operation that configuration forbids. Python sees the
// ValueError that Dask raises.
type BlockedError struct {
	Op   string // the operation
	Role string // Scheduler, Worker or Nanny
}

// Error implements error with Dask's sentence.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("The '%s' handler has been explicitly disallowed in %s, possibly due to security concerns.", e.Op, e.Role)
}

// Pickle is the exception for Python, in protocol 0.
func (e *BlockedError) Pickle() []byte {
	text := strings.NewReplacer(`\`, `\u005c`, "\n", `\u000a`).Replace(e.Error())
	return []byte("cbuiltins\nValueError\n(V" + text + "\ntR.")
}

// Blocked is a *BlockedError when op is among the blocked operations of the role.
func Blocked(op, role string, blocked []string) error {
	if slices.Contains(blocked, op) {
		return &BlockedError{op, role}
	}
	return nil
}
