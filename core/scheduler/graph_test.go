package scheduler

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/graph"
	"github.com/gdask/gdask/sdk/wire"
)

// readerFunc is a GraphReader.
type readerFunc func(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error)

func (f readerFunc) Read(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error) {
	return f(ctx, g)
}

func pythonGraph(text, key string) *wire.UpdateGraph {
	return &wire.UpdateGraph{ExprSer: wire.StringOpaque(text), Keys: keysOf(key)}
}

func TestGraphsAreReadInOrderWhileOthersGoOn(t *testing.T) {
	gate := make(chan struct{})
	s := start(t, func(set *Settings) {
		set.GraphReader = readerFunc(func(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error) {
			if g.ExprSer.Text() == "slow" {
				select {
				case <-gate:
				case <-ctx.Done():
				}
			}
			return []wire.TaskDef{noop(g.ExprSer.Text())}, nil
		})
	})
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 4)
	slow, other := newClient(t, s, "slow"), newClient(t, s, "other")
	slow.send(pythonGraph("slow", "slow"))
	slow.send(&wire.ClientReleasesKeys{Client: "slow", Keys: keysOf("slow")}, pythonGraph("later", "later"))
	other.send(pythonGraph("fast", "fast"))
	if m := next[*wire.ComputeTask](w); m.Key.String() != "fast" {
		t.Fatalf("%v first; only the other client's graph is ready", m.Key)
	}
	close(gate)
	for {
		m := next[*wire.ComputeTask](w)
		w.send(finish(m))
		if m.Key.String() == "later" {
			break
		}
	}
	next[*wire.KeyInMemory](slow)
	eventually(t, s, "the release came after its graph", func() bool {
		return strings.Join(texts(s.loop.m.Wants("slow")), " ") == "later"
	})
}

func texts(keys []wire.Key) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.String()
	}
	return out
}

func TestGraphsThatCannotBeReadErrTheirKeys(t *testing.T) {
	broken := readerFunc(func(context.Context, *wire.UpdateGraph) ([]wire.TaskDef, error) {
		return nil, errors.New("no such module: pandas")
	})
	for want, reader := range map[string]GraphReader{"install Python 3": nil, "no such module: pandas": broken} {
		s := start(t, func(set *Settings) { set.GraphReader = reader })
		c := newClient(t, s, "c")
		c.send(pythonGraph("x", "k"))
		m := next[*wire.TaskErred](c)
		if m.Key.String() != "k" || !strings.Contains(m.ExceptionText, want) {
			t.Errorf("told %q, want %q", m.ExceptionText, want)
		}
		if p := m.Exception.Text(); !strings.HasPrefix(p, "cbuiltins\nRuntimeError\n(V") || !strings.Contains(p, want) {
			t.Errorf("exception %q is not a pickle of the text", p)
		}
	}
}

func TestTheTrueExceptionOfAGraphIsPassedOn(t *testing.T) {
	s := start(t, func(set *Settings) {
		set.GraphReader = readerFunc(func(context.Context, *wire.UpdateGraph) ([]wire.TaskDef, error) {
			return nil, &graph.Error{Text: "KeyError: x", Exception: []byte("its pickle"), Traceback: []byte("where"), TracebackText: "line 1"}
		})
	})
	c := newClient(t, s, "c")
	c.send(pythonGraph("x", "k"))
	m := next[*wire.TaskErred](c)
	if m.Exception.Text() != "its pickle" || m.Traceback.Text() != "where" || m.TracebackText != "line 1" || !strings.Contains(m.ExceptionText, "KeyError: x") {
		t.Fatalf("told %+v", m)
	}
}

func TestPickleText(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "a\\b": `a\u005cb`, "two\nlines": `two\u000alines`, "é": "\xe9", "→": `\u2192`, "😀": `\U0001f600`,
	} {
		if got := pickleText(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
