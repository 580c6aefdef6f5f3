package scheduler

import (
	"context"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// The pages of this file ask workers.

func (s *Scheduler) workerLogsData(q *pageRequest) (any, error) {
	q.template = "logs"
	page := logPage{Title: "Log of " + q.name}
	c := &call{s: s, ctx: q.ctx}
	targets, err := c.named([]string{q.name}, false)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, &noPage{"no worker " + q.name}
	}
	m, err := newAsk("get_logs", field{"n", nil})
	if err != nil {
		return nil, err
	}
	answers, errs := c.askAll(q.ctx, targets, m)
	if page.Lines = linesOf(answers[0]); errs[0] != nil {
		page.Lines = []pageLine{{"ERROR", "the worker did not answer: " + errs[0].Error()}}
	}
	return page, nil
}

// WorkerLogs are the last lines of workers' logs, newest first, by address. Workers
// that do not answer within ctx are left out.
func (s *Scheduler) WorkerLogs(ctx context.Context) map[string][]string {
	answers, err := s.askWorkers(ctx, "get_logs", field{"n", nil})
	if err != nil {
		return nil
	}
	logs := map[string][]string{}
	for _, a := range answers {
		if o, ok := a.value.(*wire.Opaque); ok {
			lines := []string{}
			for _, l := range linesOf(*o) {
				lines = append(lines, l.Text)
			}
			logs[a.name] = lines
		}
	}
	return logs
}

// linesOf reads pairs of level and text.
func linesOf(o wire.Opaque) (lines []pageLine) {
	o, err := wireBytes(o)
	if err != nil {
		return nil
	}
	rows, err := elements(o)
	if err != nil {
		return nil
	}
	for _, r := range rows {
		if pair, err := elements(r); err == nil && len(pair) >= 2 {
			lines = append(lines, pageLine{textOf(pair[len(pair)-2]), textOf(pair[len(pair)-1])})
		}
	}
	return lines
}

// taskStacks are the stacks of one task on one worker.
type taskStacks struct {
	Worker, Key string
	Texts       []string
}

type stacksPage struct {
	Title  string
	Stacks []taskStacks
}

func (s *Scheduler) workerStacksData(q *pageRequest) (any, error) {
	known := false
	var keys []wire.Key
	err := q.do(s, func() {
		known = s.loop.workers[q.name] != nil
		keys = s.loop.m.Processing(q.name)
	})
	if err == nil && !known {
		return nil, &noPage{"no worker " + q.name}
	}
	if err != nil {
		return nil, err
	}
	return s.stacksOf(q, "Call stacks of "+q.name, keys)
}

func (s *Scheduler) taskStackData(q *pageRequest) (any, error) {
	k, err := s.pageKey(q)
	if err != nil {
		return nil, err
	}
	known := false
	if err := q.do(s, func() { _, known = s.loop.m.State(k) }); err != nil {
		return nil, err
	}
	if !known {
		return nil, &noPage{"no task " + q.name}
	}
	return s.stacksOf(q, "Call stack of "+q.name, []wire.Key{k})
}

func (s *Scheduler) stacksOf(q *pageRequest, title string, keys []wire.Key) (any, error) {
	q.template = "stacks"
	page := stacksPage{Title: title}
	if len(keys) == 0 {
		return page, nil
	}
	stacks, err := s.callStacks(q.ctx, keys, true)
	for _, f := range stacks {
		o, encodeErr := appendTree(nil, f.value)
		if encodeErr == nil {
			page.Stacks = append(page.Stacks, readStacks(f.name, o)...)
		}
	}
	return page, err
}

// readStacks reads {key: [text, ...]}.
func readStacks(worker string, b []byte) (out []taskStacks) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for i := uint32(0); i < n && err == nil; i++ {
		var k wire.Key
		if k, b, err = wire.ParseKey(b); err != nil {
			return out
		}
		var v []byte
		if v, b, err = nextValue(b); err != nil {
			return out
		}
		one := taskStacks{Worker: worker, Key: k.String()}
		texts, _ := elements(wire.Opaque{Raw: v})
		for _, t := range texts {
			one.Texts = append(one.Texts, textOf(t))
		}
		out = append(out, one)
	}
	return out
}
