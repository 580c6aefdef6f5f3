package actor

import (
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestRefTravels(t *testing.T) {
	want := Ref{Key: wire.StrKey("counter-1"), Address: "tcp://10.0.0.1:7", Type: "*main.Counter"}
	b, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got Ref
	if err := got.UnmarshalBinary(b); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b { // cut off anywhere
		if err := new(Ref).UnmarshalBinary(b[:i]); err == nil {
			t.Errorf("%d of %d bytes are a handle", i, len(b))
		}
	}
	for _, other := range []string{"", "x", "\x94\xa1a\xc4\x00\xa0\xa0"} {
		if err := new(Ref).UnmarshalBinary([]byte(other)); err == nil || !strings.HasPrefix(err.Error(), "actor: ") {
			t.Errorf("%q: %v", other, err)
		}
	}
}
