package gdask

import (
	"strings"
	"testing"
	"time"
)

// TestNannyPluginsAreTakenAway: what one did is undone before the next process.
func TestNannyPluginsAreTakenAway(t *testing.T) {
	const name = "GDASK_TEST_SHADE"
	ctx := within(t, 90*time.Second)
	c := newClient(t, ctx, oneProcess())
	colour := func() (text string) {
		t.Helper()
		if err := c.WaitForWorkers(ctx, 1); err != nil {
			t.Fatal(err)
		}
		got, err := Run(ctx, c, getenv, RunOptions{}, name)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		for _, text = range got {
		}
		return text
	}
	if err := c.RegisterNannyPlugin(ctx, envPlug, PluginOptions{Name: "shade"}, name, "grey"); err != nil {
		t.Fatal(err)
	}
	if got := colour(); got != "grey" {
		t.Errorf("with the plugin it is %q", got)
	}
	if err := c.UnregisterNannyPlugin(ctx, "shade"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RestartWorkers(ctx, []string{"0"}, 0); err != nil {
		t.Fatal(err)
	}
	if got := colour(); got != "" {
		t.Errorf("without the plugin it is %q", got)
	}
	if err := c.UnregisterNannyPlugin(ctx, "shade"); err == nil || !strings.Contains(err.Error(), `"shade"`) {
		t.Errorf("unregister twice: %v", err)
	}
}
