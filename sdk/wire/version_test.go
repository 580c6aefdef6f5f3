package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestVersionsAgreeOrRefuse(t *testing.T) {
	for name, c := range map[string]struct{ theirs, theirOldest, ours, ourOldest, want int }{
		"the same":          {3, 1, 3, 1, 3},
		"they are newer":    {5, 2, 3, 1, 3},
		"they are older":    {2, 1, 3, 2, 2},
		"they are too new":  {5, 4, 3, 1, 0},
		"they are too old":  {1, 1, 3, 2, 0},
		"without an oldest": {1, 1, 1, 1, 1},
	} {
		got, err := agree(c.theirs, c.theirOldest, c.ours, c.ourOldest)
		if got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
}

// shake sends a handshake of a gdask peer with these versions to a new connection.
func shake(t *testing.T, version, oldest int) (*Conn, error) {
	t.Helper()
	near, far := net.Pipe()
	w := newFrameWriter()
	b := msgp.AppendMapHeader(w.begin(), 2)
	b = msgp.AppendInt(msgp.AppendString(b, "gdask"), version)
	w.end(msgp.AppendInt(msgp.AppendString(b, "gdask-oldest"), oldest))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = far.Write(w.out)
		_, _ = io.Copy(io.Discard, far)
	}()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close(); <-done })
	return NewConn(context.Background(), near, Settings{})
}

func TestPeersOfOtherVersionsAreRefusedInASentence(t *testing.T) {
	for _, c := range []struct {
		version, oldest int
		want            string
	}{{9, 7, "versions 7 to 9 of gdask's protocol, this program 1 to 1: they cannot work together; update this program"}, {9, 1, ""}} {
		conn, err := shake(t, c.version, c.oldest)
		if c.want == "" {
			if err != nil || conn.Peer().GDask != extensions {
				t.Errorf("version %d: %v", c.version, err)
			}
			continue
		}
		var v *VersionError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("version %d: %v", c.version, err)
		}
	}
}
