//go:build unix

package suite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWorkerWithFunctions(t *testing.T) { Worker(t, program(t, "good")) }

func TestWorkerWithoutFunctions(t *testing.T) { Worker(t, program(t, "bare")) }

// fault is one way to break a plugin and how the suite must notice.
type fault struct {
	mode, rule string
	says       string // part of the report
	slow       bool   // it is noticed by a wait in vain
}

var faults = []fault{
	{mode: "bad-describe", rule: "static/describe", says: "no JSON"},
	{mode: "no-runtimes", rule: "static/describe", says: "runtimes are missing"},
	{mode: "bad-version", rule: "static/semver", says: `"one"`},
	{mode: "silent-by-hand", rule: "static/no-host", says: "want an exit code above 0"},
	{mode: "silent-by-hand", rule: "static/no-host", says: "said nothing"},
	{mode: "talks-first", rule: "handshake/line", says: "hello from an init"},
	{mode: "noisy-stdout", rule: "handshake/stdout-clean", says: "worker starts"},
	{mode: "handmade", rule: "static/wrong-kind", says: "end of the program", slow: true},
	{mode: "handmade", rule: "handshake/version-offer", says: "version 99"},
	{mode: "handmade", rule: "handshake/mtls", says: "no certificate"},
	{mode: "handmade", rule: "handshake/health", says: "Health/Check"},
	{mode: "handmade", rule: "handshake/services", says: "gdask.worker.v1.Worker is listed"},
	{mode: "handmade", rule: "handshake/unknown-call", says: "Health/Check"},
	{mode: "other-runtimes", rule: "worker/registers", says: "cobol"},
	{mode: "no-defaults", rule: "config/defaults", says: "model is required"},
	{mode: "any-config", rule: "config/unknown-key", says: "Validate accepts the key"},
	{mode: "any-config", rule: "config/no-object", says: "Validate accepts"},
	{mode: "vague-config", rule: "config/unknown-key", says: "without naming it"},
	{mode: "keeps-validated", rule: "config/validate-is-pure", says: "that Validate refused"},
	{mode: "configured-once", rule: "config/configure-twice", says: "configured already"},
	{mode: "never-joins", rule: "lifecycle/start", says: "before the worker had registered"},
	{mode: "stops-never", rule: "lifecycle/watch", says: "the worker's end", slow: true},
	{mode: "stops-never", rule: "lifecycle/order", says: "the first time: Stop", slow: true},
	{mode: "stops-never", rule: "lifecycle/drain", says: "Drain", slow: true},
	{mode: "stops-never", rule: "lifecycle/shutdown", says: "Shutdown", slow: true},
	{mode: "waits-for-ever", rule: "lifecycle/unreachable", says: "had not failed", slow: true},
	{mode: "leaves-files", rule: "lifecycle/cycles", says: "files are left", slow: true},
	{mode: "leaves-children", rule: "lifecycle/shutdown", says: "live on after it", slow: true},
	{mode: "no-lifeline", rule: "failure/host-gone", says: "after its host was gone", slow: true},
	{mode: "dies-of-pipes", rule: "failure/host-gone", says: "SIGPIPE"},
	{mode: "no-lifeline", rule: "failure/host-gone-early", says: "after its host was gone", slow: true},
	{mode: "stops-never", rule: "failure/sigterm", says: "after SIGTERM", slow: true},
	{mode: "printing-tasks", rule: "failure/long-line", says: "task says hello"},
	{mode: "two-slots", rule: "worker/registers", says: "2 slots"},
	{mode: "never-joins", rule: "worker/heartbeats", says: "registration of a worker", slow: true},
	{mode: "never-joins", rule: "worker/tasks", says: "registration of a worker", slow: true},
	{mode: "swallows-errors", rule: "worker/error", says: "it must fail"},
	{mode: "hides-errors", rule: "worker/error", says: "something went wrong"},
	{mode: "deaf-tasks", rule: "worker/cancel", says: "task-finished or task-erred of next", slow: true},
	{mode: "wrong-results", rule: "worker/dependency", says: "not what the peer holds"},
	{mode: "wrong-results", rule: "worker/large", says: "want at least"},
}

func TestBrokenPluginsFail(t *testing.T) {
	var wg sync.WaitGroup
	places := make(chan struct{}, 8) // many only wait, so more than there are cores
	for _, f := range faults {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			t.Run(f.mode+" "+f.rule, f.check)
		})
	}
	wg.Wait()
}

func (f fault) check(t *testing.T) {
	p := program(t, f.mode)
	if f.slow {
		p.Patience = 5 * time.Second
	}
	r := &report{ctx: t.Context(), only: f.rule}
	Worker(r, p)
	if !slices.Contains(r.failed, f.rule) || !strings.Contains(r.text, f.says) {
		t.Fatalf("failed are %q, want %s with %q in:\n%s", r.failed, f.rule, f.says, r.text)
	}
	for _, part := range []string{"the rule: ", "what to do: "} {
		if !strings.Contains(r.text, part) {
			t.Errorf("the report lacks %q:\n%s", part, r.text)
		}
	}
}

// TestEveryRuleIsExplained: a case that fails must tell its reader what to do.
func TestEveryRuleIsExplained(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range workerRules() {
		if seen[r.name] || r.check == nil || !r.measures && (r.why == "" || r.remedy == "") {
			t.Errorf("rule %q is there twice or lacks a check, a reason or a remedy", r.name)
		}
		seen[r.name] = true
	}
}

// report is a T without package testing, that runs one case.
type report struct {
	ctx        context.Context
	only, text string
	notes      string
	name       string
	failed     []string
}

func (r *report) Run(name string, f func(*report)) bool {
	if name != r.only {
		return true
	}
	r.name = name
	f(r)
	return len(r.failed) == 0
}

func (r *report) Context() context.Context { return r.ctx }

func (r *report) Errorf(format string, args ...any) {
	r.failed = append(r.failed, r.name)
	r.text += fmt.Sprintf(format, args...) + "\n"
}

func (r *report) Logf(format string, args ...any) { r.notes += fmt.Sprintf(format, args...) + "\n" }
