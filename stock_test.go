//go:build unix

package gdask

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var printOut = Func[int]("print-out", func(text string) int {
	_, _ = fmt.Fprintln(os.Stdout, "out", text)
	_, _ = fmt.Fprintln(os.Stderr, "err", text)
	return 1
})

func TestSetEnviron(t *testing.T) {
	ctx, c := twoProcesses(t)
	for _, colour := range []string{"blue", "red"} {
		if err := c.SetEnviron(ctx, map[string]string{"GDASK_TEST_STOCK": colour}); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitForWorkers(ctx, 2); err != nil {
			t.Fatal(err)
		}
		got, err := Run(ctx, c, getenv, RunOptions{}, "GDASK_TEST_STOCK")
		if err != nil || len(got) != 2 {
			t.Fatalf("%v, %v", got, err)
		}
		for address, v := range got {
			if v != colour {
				t.Errorf("worker %s has %q, want %q", address, v, colour)
			}
		}
	}
}

func TestForwardOutput(t *testing.T) {
	ctx, c := twoProcesses(t)
	s, err := c.Subscribe("print")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 { // the second time changes nothing
		if err := c.ForwardOutput(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := printOut.Submit(c, "spoken").Result(ctx); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"out spoken": false, "err spoken": false}
	for heard := 0; heard < 2; {
		e, err := s.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		text := string(e.Msg.Raw)
		for line := range want {
			if strings.Contains(text, line) {
				want[line] = true
				heard++
			}
		}
	}
	if err := c.UnregisterWorkerPlugin(ctx, ForwardOutputPlugin); err != nil {
		t.Fatal(err)
	}
}

func TestForwardOutputNeedsProcesses(t *testing.T) {
	ctx := within(t, 30*time.Second)
	c := newClient(t, ctx, modes["threads"])
	if err := c.ForwardOutput(ctx); err == nil || !strings.Contains(err.Error(), "use worker processes") {
		t.Errorf("got %v", err)
	}
}
