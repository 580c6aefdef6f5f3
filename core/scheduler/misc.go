package scheduler

import (
	"context"
	"os"
	"runtime"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// versions answers a Python client with the versions of the first Python peer,
// when there is one: it compares packages, and this process has none of them.
func (c *call) versions() (any, error) {
	if c.conn != nil && c.conn.Peer().GDask > 0 {
		return &tree{c.s.versions()}, nil
	}
	var known wire.Opaque
	err := c.s.loop.do(c.ctx, func() { known = c.s.loop.pythonVersions() })
	if err != nil {
		return nil, err
	}
	if !known.IsNil() {
		return known, nil
	}
	return &tree{c.s.versions()}, nil
}

// versions are this process's own.
func (s *Scheduler) versions() object {
	host, _ := os.Hostname() // only informs people
	return object{
		{"host", object{{"OS", runtime.GOOS}, {"machine", runtime.GOARCH}, {"host", host}}},
		{"packages", object{{"gdask", s.set.Version}, {"go", runtime.Version()}}},
	}
}

func (l *loop) pythonVersions() wire.Opaque {
	for _, w := range l.sortedWorkers() {
		if !w.gdask && isMap(w.reg.Versions) {
			return w.reg.Versions
		}
	}
	for _, c := range l.clients {
		if !c.gdask && isMap(c.versions) {
			return c.versions
		}
	}
	return wire.Opaque{}
}

func isMap(o wire.Opaque) bool {
	if len(o.Raw) == 0 || msgp.NextType(o.Raw) != msgp.MapType {
		return false
	}
	n, _, err := msgp.ReadMapHeaderBytes(o.Raw)
	return err == nil && n > 0
}

// unregister is a worker's (or its nanny's) word that the worker ends.
func (c *call) unregister() (any, error) {
	answer := "already-removed"
	err := c.s.loop.do(c.ctx, func() {
		l := c.s.loop
		for _, w := range l.find([]string{c.str("address")}) {
			l.dropWorker(w, "unregistered", true)
			answer = "OK"
		}
	})
	return answer, err
}

// terminate closes the scheduler after the answer is on its way.
func (c *call) terminate() (any, error) {
	c.s.log.info("closing at a client's request")
	go c.s.closeAsked()
	return nil, nil
}

// closeAsked is not waited for by Close: it is Close.
func (s *Scheduler) closeAsked() {
	ctx, cancel := context.WithTimeout(context.Background(), closeBound)
	defer cancel()
	_ = s.Close(ctx)
}

// logs are the newest lines, newest first, of which none is older than start.
func (c *call) logs() (any, error) {
	out := []any{}
	since, times := c.float("start", 0), c.bool("timestamps", false)
	for _, line := range c.s.log.last(int(c.float("n", 0))) {
		if at := unixSeconds(line.at); at < since {
			break
		} else if times {
			out = append(out, []any{at, line.level, line.String()})
		} else {
			out = append(out, []any{line.level, line.String()})
		}
	}
	return &tree{out}, nil
}

// workerLogs asks the workers for theirs.
func (c *call) workerLogs() (any, error) {
	targets, err := c.targets()
	if err != nil {
		return nil, err
	}
	n := c.opaque("n")
	m, err := newAsk("get_logs", field{"n", &n})
	if err != nil {
		return nil, err
	}
	defer c.attend()()
	ctx, cancel := c.s.requestContext(c.ctx)
	defer cancel()
	answers, errs := c.askAll(ctx, targets, m)
	out := object{}
	for i, t := range targets {
		if errs[i] == nil {
			out = append(out, field{t.name, &answers[i]})
		}
	}
	return &tree{out}, nil
}

// missingWorkers answers an older question of gathering clients: nothing to say.
func (c *call) missingWorkers() (any, error) { return nil, nil }
