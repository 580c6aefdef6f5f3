package client

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// The scheduler may have entered the wish although its answer got lost.
func TestFailedScatterIsTakenBack(t *testing.T) {
	f := newFake(t)
	c, s := f.dial(Settings{})
	done := make(chan error, 1)
	go func() {
		_, err := c.Scatter(t.Context(), []Item{{Key: wire.StrKey("x"), Value: number(1), Nbytes: 8}}, nil, 1)
		done <- err
	}()
	f.asked("ncores_running").answer <- map[string]any{f.l.ContactAddress(): 1}
	f.asked("update_data").answer <- &wire.UpdateDataReply{Status: "OK"}
	f.asked("update_data").answer <- map[string]any{"status": "uncaught-error", "text": "no"}
	if err := <-done; err == nil {
		t.Error("the scatter succeeded")
	}
	if m := heard[*wire.ClientReleasesKeys](t, s); len(m.Keys) != 1 || m.Keys[0] != wire.StrKey("x") {
		t.Errorf("released %q", m.Keys)
	}
}
