package sdk

import (
	"os"

	"github.com/gdask/gdask/sdk/handshake"
)

// ChildRequested reports whether this process was started by a gdask host to be
// one of the program's own classes: the same executable, executed again. A
// program that offers such classes asks first thing in main and calls Serve with
// the class of that kind and name.
func ChildRequested() (kind, name string, ok bool) {
	kind, name = os.Getenv(handshake.CookieEnv), os.Getenv(handshake.NameEnv)
	return kind, name, kind != "" && name != ""
}
