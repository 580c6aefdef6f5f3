package state

import (
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// The names are those of dask.utils.key_split and of distributed's groups.
func TestNamesOfKeys(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, c := range []struct {
		key           wire.Key
		group, prefix string
	}{
		{wire.StrKey("x"), "x", "x"},
		{wire.StrKey("x-1"), "x", "x"},
		{wire.StrKey("hello-world-1"), "hello-world", "hello-world"},
		{wire.StrKey("inc-0123abcd"), "inc", "inc"},
		{wire.StrKey("inc-abcdefab"), "inc", "inc"},
		{wire.StrKey("inc-abcdefgh"), "inc-abcdefgh", "inc-abcdefgh"},
		{wire.StrKey("ae05086432ca935f6eba409a8ecd4896"), "data", "data"},
		{wire.StrKey("<module.submodule.myclass object at 0xdaf372>"), "myclass", "myclass"},
		{wire.StrKey("('x-2', 1)"), "x", "x"},
		{wire.StrKey("_x-1"), "x", "x"},
		{wire.StrKey("-x"), "Other", "Other"},
		{wire.StrKey("1,2"), "1", "1"},
		{wire.StrKey("__"), "Other", "Other"},
		{wire.StrKey("<>"), "Other", "Other"},
		{wire.StrKey(""), "Other", "Other"},
		{wire.StrKey("größe-1"), "größe", "größe"},
		{wire.StrKey("x-größe-1"), "x-größe", "x-größe"},
		{wire.BytesKey([]byte("hello-world-1")), "hello-world", "hello-world"},
		{wire.IntKey(5), "Other", "Other"},
		{wire.FloatKey(1.5), "Other", "Other"},
		{wire.Key(""), "Other", "Other"},
		{wire.TupleKey(wire.StrKey("x-abc123"), wire.IntKey(3)), "x-abc123", "x"},
		{wire.TupleKey(wire.TupleKey(wire.StrKey("x-1"), wire.IntKey(1)), wire.IntKey(3)), "x-1", "x"},
		{wire.TupleKey(wire.IntKey(3), wire.StrKey("x")), "Other", "Other"},
		{wire.TupleKey(), "Other", "Other"},
		{wire.TupleKey(wire.StrKey(long[:40]+"-1"), wire.IntKey(3)), long[:40] + "-1", long[:40]},
		{wire.TupleKey(wire.StrKey(long+"-1"), wire.IntKey(3)), long + "-1", long},
		{wire.TupleKey(many(16)...), "x-1", "x"},
	} {
		group := groupName(c.key)
		if prefix := splitName(group); group != c.group || prefix != c.prefix {
			t.Errorf("%v: group %q prefix %q, want %q and %q", c.key, group, prefix, c.group, c.prefix)
		}
	}
}

func many(n int) []wire.Key {
	r := make([]wire.Key, n)
	for i := range r {
		r[i] = wire.StrKey("x-1")
	}
	return r
}

func TestNamesOfBrokenKeysAreFound(t *testing.T) {
	for _, raw := range []string{"\xa5ab", "\xd9", "\xd9\xff", "\xda\xff", "\xda\x00", "\x91", "\x91\xa5a", "\x92\xd9\x40a", "\x91\xda\x01\x00a", "\xdc", "\xdc\x00\x01", "\xc4", "\xc4\x05a", "\xff"} {
		if name := splitName(groupName(wire.Key(raw))); name == "" {
			t.Errorf("%q has no name", raw)
		}
	}
}
