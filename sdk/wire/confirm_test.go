package wire

import (
	"context"
	"testing"
)

// TestTheAnswerIsConfirmed to the peer, unless the caller has left before.
func TestTheAnswerIsConfirmed(t *testing.T) {
	for name, leaves := range map[string]bool{"all is well": false, "the caller left": true} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			heard := make(chan error, 1)
			n := newNetwork(t, func(_ string, c *Conn, _ Msg) bool {
				if leaves {
					cancel()
				}
				err := c.SendValue("an item")
				if err == nil {
					_, err = c.Recv()
				}
				heard <- err
				return err == nil
			})
			p := NewPool(n.dial, Settings{}, 0)
			defer func() { _ = p.Close() }()
			o, err := p.CallConfirmed(ctx, "there", &UnknownMsg{Name: "take"})
			if (err != nil) != leaves || !leaves && o.Text() != "an item" {
				t.Errorf("got %q, %v", o.Text(), err)
			}
			if err := <-heard; (err != nil) != leaves {
				t.Errorf("the peer heard %v", err)
			}
			cancel()
		})
	}
}
