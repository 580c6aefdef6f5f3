package suite

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// failureRules are what a plugin does when its surroundings fail.
var failureRules = []rule{
	{name: "failure/host-gone", check: checkHostGone,
		why:    "when the host dies, which closes the lifeline (file descriptor GDASK_LIFELINE) and breaks the pipes of its output, the plugin and all that it started end soon, with their workers",
		remedy: "read the lifeline in the background; at end of file stop the workers, end the process group, exit; handle SIGPIPE, or a log line then ends the process too early"},
	{name: "failure/host-gone-early", check: checkHostGoneEarly,
		why:    "a host that dies before it ever called leaves no plugin behind",
		remedy: "watch the lifeline from the first moment on"},
	{name: "failure/sigterm", check: checkTerm,
		why:    "SIGTERM ends the plugin by itself, its workers first: it is what service managers and supervisors send before they kill",
		remedy: "handle SIGTERM: stop the workers, stop the server, return from main"},
	{name: "failure/long-line", check: checkLongLine,
		why:    "70 KiB in one line of a log or of a task's output do not block the plugin, and do not get to standard output",
		remedy: "write logs to standard error; let go-plugin, or a goroutine of your own, take what tasks print"},
}

func checkHostGone(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	j.hangUp()
	if err := j.await(ctx, "end of the process after its host was gone"); err != nil {
		return err
	}
	if s := j.signalled(); s == "broken pipe" {
		return errors.New("a write to the host's pipes ended the process (SIGPIPE) before it could end what it runs")
	}
	if err := j.w.gone(ctx); err != nil {
		return err
	}
	return eventually(ctx, func() error {
		if j.left() {
			return fmt.Errorf("processes of the plugin's process group outlive its host")
		}
		return nil
	})
}

func checkHostGoneEarly(ctx context.Context, e *env) error {
	p, err := e.plugin()
	if err != nil {
		return err
	}
	if _, err := p.handshakeLine(ctx); err != nil {
		return err
	}
	p.hangUp()
	return p.await(ctx, "end of the process after its host was gone")
}

func checkTerm(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	j.terminate()
	if err := j.await(ctx, "end of the process after SIGTERM"); err != nil {
		return err
	}
	if s := j.signalled(); s != "" {
		return fmt.Errorf("SIGTERM ended the process by the signal %q instead of being handled", s)
	}
	return j.w.gone(ctx)
}

func checkLongLine(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	specs, err := e.specs(ctx, j)
	if err != nil {
		return err
	}
	if specs.Runtime == "go" && specs.known {
		spec, err := goCall(printName, longLine)
		if err != nil {
			return err
		}
		if err := j.w.compute("prints", specs.Runtime, spec); err != nil {
			return err
		}
		if err := j.w.finished(ctx, "prints"); err != nil {
			return err
		}
	}
	if err := j.stopWorker(ctx, j.id, strings.Repeat("x", longLine)); err != nil {
		return err
	}
	if err := j.shutdown(ctx); err != nil {
		return err
	}
	return j.cleanOutput()
}
