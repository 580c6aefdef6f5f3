//go:build !unix

package lifeline

import (
	"errors"
	"os"
)

// open fails: only unix hosts pass lifelines.
func open(int) (*os.File, error) {
	return nil, errors.New("lifeline: not available on this system")
}
