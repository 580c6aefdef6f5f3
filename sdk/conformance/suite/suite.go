package suite

import (
	"context"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// defaultPatience bounds every wait for a plugin. It is no measure of speed.
const defaultPatience = 30 * time.Second

// patienceKey is the key of a context's patience.
type patienceKey struct{}

// patience is how long each wait of a case may take.
func patience(ctx context.Context) time.Duration {
	if d, ok := ctx.Value(patienceKey{}).(time.Duration); ok && d > 0 {
		return d
	}
	return defaultPatience
}

// caseLimit bounds a whole case, whatever it waits for.
const caseLimit = 5 * time.Minute

// T is what a suite needs of its surroundings. *testing.T is a T[*testing.T].
type T[Self any] interface {
	// Context ends when the cases are to be given up.
	Context() context.Context
	// Run runs f as a case of that name and reports whether it passed.
	Run(name string, f func(Self)) bool
	// Errorf says why the case fails.
	Errorf(format string, args ...any)
	// Logf says what is worth knowing.
	Logf(format string, args ...any)
}

// Program is the executable to test and how it is started.
type Program struct {
	// Path is the absolute path of the executable.
	Path string
	// Args are its arguments.
	Args []string
	// Env are variables besides the few that every plugin gets, NAME=value.
	Env []string
	// Config is the JSON object that it is configured with before workers are
	// started; empty means its defaults.
	Config []byte
	// Class is set for a class inside of a program that is more than a plugin,
	// such as a builtin one: the program is told the class by its environment,
	// and has neither the file name nor the describe command of a plugin.
	Class string
	// Patience bounds every single wait for the plugin; 0 means 30 s.
	Patience time.Duration
	// Specs are run specs for classes whose runtime is not "go".
	Specs *Specs
}

// Specs are run specs of a runtime that the suite does not know. A case whose
// spec is missing says that it checked less.
type Specs struct {
	// Runtime names it.
	Runtime string
	// Quick returns something small soon.
	Quick wire.Opaque
	// Fail fails.
	Fail wire.Opaque
	// Wait runs until it is cancelled.
	Wait wire.Opaque
	// Large returns at least 16 MiB.
	Large wire.Opaque
	// Use needs the result of another task, Value.
	Use func(dependency wire.Key) wire.Opaque
	// Value is an encoded result that Use can take.
	Value wire.Opaque
}

// rule is one case: what a plugin promises, and what its author can do when it
// does not hold.
type rule struct {
	name, why, remedy string
	// file rules concern the file of a plugin, which a Class does not have.
	file bool
	// measures rules print figures and never fail.
	measures bool
	check    func(ctx context.Context, e *env) error
}

// Worker tests a worker plugin: its file, its handshake, its configuration, its
// life and death, and its workers at a scheduler that the suite plays itself.
func Worker[S T[S]](t S, p Program) {
	for _, r := range workerRules() {
		if r.file && p.Class != "" {
			continue
		}
		t.Run(r.name, func(t S) { r.run(t, p) })
	}
}

// Names are the names of all cases, in their order.
func Names() []string {
	var names []string
	for _, r := range workerRules() {
		names = append(names, r.name)
	}
	return names
}

func workerRules() []rule {
	var all []rule
	for _, level := range [][]rule{staticRules, handshakeRules, configRules, lifecycleRules, failureRules, taskRules, benchRules} {
		all = append(all, level...)
	}
	return all
}

// reporter is the part of a T that one case uses.
type reporter interface {
	Context() context.Context
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

func (r *rule) run(t reporter, p Program) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), caseLimit, fmt.Errorf("the case took longer than %v", caseLimit))
	defer cancel()
	ctx = context.WithValue(ctx, patienceKey{}, p.Patience)
	e, err := newEnv(p, t.Logf)
	if err == nil {
		err = r.check(ctx, e)
		if cerr := e.close(); err == nil {
			err = cerr
		}
	}
	switch {
	case err == nil:
	case r.measures:
		t.Logf("not measured: %v", err)
	default:
		t.Errorf("%v\nthe rule: %s\nwhat to do: %s%s", err, r.why, r.remedy, e.stderrText())
	}
}
