package workerrt

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gdask/gdask/sdk/wire"
)

// A value that its worker cannot send, such as one without a serialised form, does
// not keep others from coming, and fails the task that needs it.
func TestAValueThatCannotBeSentFailsItsTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		p := newPeer(t, s.set, func(n int, m *wire.GetData) any {
			for _, k := range m.Keys {
				if k == wire.StrKey("bad") {
					return wire.FailureOf(errors.New("a channel cannot be serialised"))
				}
			}
			return all(n, m)
		})
		_, ss := s.start(Settings{Run: inputs})
		ss.send(compute("sum", on("bad", p.address)), compute("other", on("a", p.address)))
		want[*wire.RequestRefreshWhoHas](ss)
		if f := want[*wire.TaskFinished](ss); f.Key != wire.StrKey("other") {
			t.Errorf("%v has ended", f.Key)
		}
		ss.send(&wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{on("bad", p.address)}})
		want[*wire.RequestRefreshWhoHas](ss)
		ss.send(&wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{on("bad", p.address)}})
		e := want[*wire.TaskErred](ss)
		if e.Key != wire.StrKey("sum") || !strings.Contains(e.ExceptionText, "cannot be serialised") {
			t.Errorf("%v failed: %s", e.Key, e.ExceptionText)
		}
	})
}
