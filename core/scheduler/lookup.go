package scheduler

import (
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// cmpText orders texts.
func cmpText(a, b string) int { return strings.Compare(a, b) }

func (c *call) whoHas() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	if !c.has("keys") {
		if err := c.s.loop.do(c.ctx, func() { keys = c.s.loop.m.UnsortedKeys() }); err != nil {
			return nil, err
		}
		slices.Sort(keys)
	}
	answer := wire.KeyAddresses{}
	for chunk := range slices.Chunk(keys, dumpChunk) {
		if err := c.s.loop.do(c.ctx, func() { answer = append(answer, c.s.loop.m.WhoHas(chunk)...) }); err != nil {
			return nil, err
		}
	}
	return &answer, nil
}

func (c *call) hasWhat() (any, error) { return c.perWorker(c.s.loop.m.HasWhat) }

func (c *call) processing() (any, error) { return c.perWorker(c.s.loop.m.Processing) }

// perWorker answers with the keys that of gives for each worker asked for.
func (c *call) perWorker(of func(address string) []wire.Key) (any, error) {
	names, err := c.workerNames()
	if err != nil {
		return nil, err
	}
	out := object{}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.find(names) {
			out = append(out, field{w.address, of(w.address)})
		}
	})
	return &tree{out}, err
}

// workerNames is the field workers; nil when absent, which means all.
func (c *call) workerNames() ([]string, error) {
	if !c.has("workers") {
		return nil, nil
	}
	names, err := c.texts("workers")
	if names == nil {
		names = []string{}
	}
	return names, err
}

func (c *call) ncores() (any, error) {
	names, err := c.workerNames()
	if err != nil {
		return nil, err
	}
	out := object{}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.find(names) {
			if c.op == "ncores" || w.status == "running" {
				out = append(out, field{w.address, w.reg.NThreads})
			}
		}
	})
	return &tree{out}, err
}

// nbytes answers by key, or added up by the keys' prefixes.
func (c *call) nbytes() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	all, summary := !c.has("keys"), c.bool("summary", true)
	if all {
		keys = nil
	} else if keys == nil {
		keys = []wire.Key{}
	}
	var sizes wire.KeySizes
	sums := map[string]int64{}
	err = c.s.loop.do(c.ctx, func() {
		sizes = c.s.loop.m.NBytes(keys)
		for i := range sizes {
			if summary {
				sums[c.s.loop.prefixOf(sizes[i].Key)] += sizes[i].Nbytes
			}
		}
	})
	if err != nil || !summary {
		return &sizes, err
	}
	out := object{}
	for _, p := range sortedKeys(sums) {
		out = append(out, field{p, sums[p]})
	}
	return &tree{out}, nil
}

func (c *call) story() (any, error) {
	keys, err := c.keys("keys_or_stimuli")
	if err != nil {
		return nil, err
	}
	var story []state.Transition
	err = c.s.loop.do(c.ctx, func() { story = c.s.loop.m.Story(keys...) })
	return &tree{storyRows(story)}, err
}

func (c *call) updateData() (any, error) {
	e, err := c.request.updateData("")
	if err != nil {
		return nil, err
	}
	return nil, c.s.loop.do(c.ctx, func() { c.s.loop.apply(e) })
}

func (c *call) retry() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	err = c.s.loop.do(c.ctx, func() {
		c.s.loop.apply(state.RetryKeys{Client: c.str("client"), Keys: keys})
	})
	return &tree{keys}, err
}

// addKeys is what workers call after they fetched copies on request.
func (c *call) addKeys() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	m := &wire.AddKeys{Keys: keys, StimulusID: c.str("stimulus_id")}
	err = c.s.loop.do(c.ctx, func() {
		c.s.loop.apply(state.AddKeys{Worker: c.str("worker"), AddKeys: m})
	})
	return "OK", err
}

func (c *call) checkIdle() (any, error) { return nil, nil }

// heartbeat notes the figures of a worker; one that is not known must close or
// register again.
func (c *call) heartbeat() (any, error) {
	m, ok := c.msg.(*wire.HeartbeatWorker)
	if !ok {
		return nil, asPython("ValueError", "heartbeat_worker: fields not understood")
	}
	reply := &wire.HeartbeatReply{Status: "missing"}
	running := executing(m.Executing)
	err := c.s.loop.do(c.ctx, func() {
		l := c.s.loop
		w := l.workers[m.Address]
		if w == nil {
			return
		}
		reply.Status = "OK"
		w.seen(time.Now())
		w.metrics = m.Metrics
		l.apply(state.Heartbeat{Address: m.Address, Metrics: m.Metrics, Executing: running})
		reply.HeartbeatInterval = heartbeatSeconds(len(l.workers))
	})
	reply.Time = unixNow()
	return reply, err
}

// executing reads {key: seconds} of a heartbeat; what cannot be read is left out.
func executing(o wire.Opaque) []state.KeyDuration {
	if d, ok := o.Ref.([]state.KeyDuration); ok {
		return d
	}
	if len(o.Raw) == 0 || msgp.NextType(o.Raw) != msgp.MapType {
		return nil
	}
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	var out []state.KeyDuration
	for i := uint32(0); i < n && err == nil; i++ {
		var d state.KeyDuration
		var seconds wire.Number
		if d.Key, b, err = wire.ParseKey(b); err != nil {
			return out
		}
		if b, err = seconds.UnmarshalMsg(b); err == nil {
			d.Seconds = float64(seconds)
			out = append(out, d)
		}
	}
	return out
}
