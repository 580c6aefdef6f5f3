package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gdask/gdask/sdk/handshake"
)

// Serve is the whole main function of a plugin: it serves p until the host says
// stop, goes away, or sends SIGTERM, and then ends the process. It does not
// return.
//
// Exit codes: 0 after a clean end, 1 after a failure, 2 when the program was not
// started by a host of the right kind. The program's argument "describe" prints
// the Description as JSON instead; "--debug" serves without a host.
//
// This is the one place of the SDK that ends a process: a plugin's process
// exists for nothing else, and its exit code is part of the contract.
func Serve(p Plugin) {
	code, err := Main(p, os.Args[1:])
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code) //nolint:forbidigo // the end of a plugin process, see above
}

// Main is Serve for programs that want to end by themselves: it returns the exit
// code and what to tell the user on standard error.
func Main(p Plugin, args []string) (code int, err error) {
	s, err := adapt(p)
	if err != nil {
		return 1, err
	}
	_, _, child := ChildRequested()
	switch {
	case child:
	case len(args) == 1 && args[0] == "describe":
		return finish(printDescription(os.Stdout, s.desc))
	case len(args) == 1 && args[0] == "--debug":
		return finish(serveDebug(p, s))
	}
	switch kind := os.Getenv(handshake.CookieEnv); kind {
	case p.Kind():
		return finish(serveHosted(p, s))
	case "":
		return 2, notHosted(p)
	default:
		return 2, fmt.Errorf("plugin %s is a %s plugin, but the host started it as a %s plugin: "+
			"name it under plugins.%s in the configuration", p.Name(), p.Kind(), kind, p.Kind())
	}
}

func finish(err error) (int, error) {
	if err != nil {
		return 1, err
	}
	return 0, nil
}

func printDescription(out io.Writer, d Description) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// notHosted explains in two lines what the binary is.
func notHosted(p Plugin) error {
	exe := filepath.Base(os.Args[0])
	return errors.New(exe + " is a gdask " + p.Kind() + " plugin and is started by gdask, not by hand.\n" +
		"Put it into a plugin directory as " + handshake.BinaryName(p.Kind(), p.Name()) +
		", or run '" + exe + " describe' to see what it is.")
}
