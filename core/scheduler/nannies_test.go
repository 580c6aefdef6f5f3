package scheduler

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// TestAStartingNannyMissesNoPlugin: it is told of what is registered between its
// registration and that of its worker, and then by its worker's nanny alone.
func TestAStartingNannyMissesNoPlugin(t *testing.T) {
	s := start(t, nil)
	var mu sync.Mutex
	var heard []string
	l, err := s.set.Transports.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
				if err != nil {
					return
				}
				defer func() { _ = c.Close() }()
				for {
					in, err := c.Recv()
					if err != nil || len(in.Msgs) == 0 {
						return
					}
					mu.Lock()
					heard = append(heard, in.Msgs[0].Op())
					mu.Unlock()
					if c.SendValue(map[string]any{"status": "OK"}) != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); _ = s.Close(context.Background()); wg.Wait() })
	nanny := l.ContactAddress()
	told := func(what string, want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(heard, want) {
			t.Errorf("%s it heard %q, want %q", what, heard, want)
		}
	}
	plugin := []field{{"name", "p"}, {hook.PluginField, []byte("call")}}

	mustAsk(t, s, "register_nanny", field{"address", nanny})
	mustAsk(t, s, "register_nanny_plugin", plugin...)
	told("while it starts", "plugin_add")
	register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Status: "running", NThreads: 1, Nanny: wire.StringOpaque(nanny)})
	mustAsk(t, s, "unregister_nanny_plugin", field{"name", "p"}, field{"gdask", true})
	told("once its worker is there", "plugin_add", "plugin_remove")

	// One whose worker never came is forgotten.
	mustAsk(t, s, "register_nanny", field{"address", "tcp://127.0.0.1:2"})
	if err := s.loop.do(t.Context(), func() {
		for a, n := range s.loop.nannies {
			n.since = n.since.Add(-2 * startingLimit)
			s.loop.nannies[a] = n
		}
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "nobody counts as starting", func() bool { return len(s.loop.nannies) == 0 })
}
