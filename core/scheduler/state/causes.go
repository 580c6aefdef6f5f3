package state

import (
	"fmt"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// This file makes the failures that are the scheduler's own. For Python clients
// each is a pickle in protocol 0, a class called with constants.

func pickled(k wire.Key, pickle, text string) *cause {
	return &cause{key: k, exception: wire.BytesOpaque([]byte(pickle)), exceptionText: text}
}

// builtinCause is an exception of Python's builtins with a text.
func builtinCause(class string, k wire.Key, text string) *cause {
	return pickled(k, "cbuiltins\n"+class+"\n(V"+pickleText(text)+"\ntR.", class+": "+text)
}

// noValidWorker says why no worker may run a task.
func (m *Machine) noValidWorker(t *task) *cause {
	text := fmt.Sprintf("no worker can run task %s, which asks for %s: %s; start a worker that has this, "+
		"or change what the task asks for", t.key, t.limits.describe(), m.whyNot(t.limits))
	return builtinCause("RuntimeError", t.key, text)
}

// killedWorker says that a task was running whenever its workers died.
func (m *Machine) killedWorker(t *task, last *worker) *cause {
	name := pickleText(t.key.String())
	pickle := fmt.Sprintf("cdistributed.scheduler\nKilledWorker\n(V%s\nctypes\nSimpleNamespace\n(tR(dVaddress\nV%s\nsbI%d\ntR.",
		name, pickleText(last.address), m.c.AllowedFailures)
	c := pickled(t.key, pickle, fmt.Sprintf("KilledWorker: task %s was running on %d workers that died, more than the %d that allowed-failures permits; "+
		"the last one was %s", t.key, t.suspicious, m.c.AllowedFailures, last.address))
	c.deaths = t.extra().deaths
	return c
}

// who names a worker that has died.
func (x *exit) who() string {
	s := x.address
	if x.name != "" && x.name != x.address {
		s = x.name + " at " + s
	}
	if x.host != "" && !strings.Contains(x.address, x.host) {
		s += " on " + x.host
	}
	return s
}

// told are deaths as they travel.
func told(deaths []*exit) []wire.WorkerDeath {
	var out []wire.WorkerDeath
	for _, d := range deaths {
		out = append(out, wire.WorkerDeath{
			Name: d.name, Address: d.address, Host: d.host, Reported: d.known,
			ExitCode: d.ExitCode, Signal: d.Signal, OutOfMemory: d.OOM, LastLog: d.LastLog,
		})
	}
	return out
}

// describe says how a worker ended.
func (x *exit) describe() string {
	if !x.known {
		return "lost; no supervisor has reported how it ended"
	}
	s := fmt.Sprintf("exit code %d", x.ExitCode)
	if x.Signal != "" {
		s = "ended by signal " + x.Signal
	}
	if x.OOM {
		s += ", out of memory"
	}
	if len(x.LastLog) > 0 {
		s += "; its last lines:\n  " + strings.Join(x.LastLog, "\n  ")
	}
	return s
}

// actorLost says that the state of an actor ended with its worker.
func (m *Machine) actorLost(t *task) *cause {
	return builtinCause("RuntimeError", t.key, fmt.Sprintf("Worker holding Actor was lost: the state of %s ended with its worker; create it anew", t.key))
}

// pickleText writes text for a V instruction: raw-unicode-escape, with what
// would end the line escaped.
func pickleText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\' || r < 0x20 && r != '\t':
			fmt.Fprintf(&b, "\\u%04x", r)
		case r > 0xffff:
			fmt.Fprintf(&b, "\\U%08x", r)
		case r > 0xff:
			fmt.Fprintf(&b, "\\u%04x", r)
		default: // one Latin-1 byte
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}
