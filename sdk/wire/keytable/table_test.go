package keytable

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

type item struct {
	key wire.Key
	n   int
	ref *[1 << 10]byte
}

func newItems() *Table[item] { return New(func(i *item) wire.Key { return i.key }) }

func (t *Table[V]) put(k wire.Key, set func(*V)) *V {
	v := t.Add(k)
	set(v)
	return v
}

func add(t *Table[item], k wire.Key, n int) *item {
	return t.put(k, func(i *item) { i.key, i.n = k, n })
}

func TestTableDoesWhatAMapDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	table, model := newItems(), map[wire.Key]*item{}
	for step := range 200_000 {
		k := wire.IntKey(int64(rng.IntN(1 + step%5000)))
		switch have := table.Get(k); {
		case have != model[k]:
			t.Fatalf("step %d: %v is %p, want %p", step, k, have, model[k])
		case rng.IntN(3) > 0:
			model[k] = add(table, k, step)
		case have != nil:
			if !table.Remove(have) || table.Remove(have) {
				t.Fatalf("step %d: a value is to be removed once", step)
			}
			delete(model, k)
		}
		if table.Len() != len(model) {
			t.Fatalf("step %d: %d keys, want %d", step, table.Len(), len(model))
		}
	}
	seen := 0
	for v := range table.All() {
		seen++
		if model[v.key] != v {
			t.Errorf("%v is %p, want %p", v.key, v, model[v.key])
		}
	}
	if seen != len(model) {
		t.Errorf("%d values were seen, want %d", seen, len(model))
	}
}

func TestValueThatWasReplacedIsNotRemovedAgain(t *testing.T) {
	table := newItems()
	old := add(table, "k", 1)
	now := add(table, "k", 2)
	if old == now || old.n != 1 {
		t.Fatalf("the memory of a value was used again: %v", *old)
	}
	if table.Remove(old) || table.Get("k") != now || table.Len() != 1 {
		t.Error("to remove the old value took the new one out")
	}
}

func TestEmptyTableKeepsNoMemory(t *testing.T) {
	table := newItems()
	held := heap()
	for round := range 5 {
		vs := make([]*item, 20_000)
		for i := range vs {
			vs[i] = add(table, wire.StrKey(fmt.Sprint(round, "-", i)), i)
			vs[i].ref = new([1 << 10]byte)
		}
		for _, v := range vs {
			table.Remove(v)
		}
	}
	if now := heap(); now > held+1<<20 {
		t.Errorf("%d bytes are held by an empty table", now-held)
	}
	if n := len(table.slabs); n > 20_000/slabSize+2 {
		t.Errorf("%d numbers of slabs are in use; they are to be used again", n)
	}
	if len(table.entries) > 4*leastEntries {
		t.Errorf("the index has %d entries", len(table.entries))
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestAllStopsWhenAsked(t *testing.T) {
	table := newItems()
	for i := range 10 {
		add(table, wire.IntKey(int64(i)), i)
	}
	seen := 0
	for range table.All() {
		if seen++; seen == 3 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("%d values were seen, want 3", seen)
	}
}

func BenchmarkGet(b *testing.B) {
	const n = 1 << 20
	table := newItems()
	keys := make([]wire.Key, n)
	for i := range keys {
		keys[i] = wire.StrKey(fmt.Sprintf("name-%032x", i))
		add(table, keys[i], i)
	}
	m := map[wire.Key]*item{}
	for _, k := range keys {
		m[k] = table.Get(k)
	}
	b.Run("table", func(b *testing.B) {
		for i := range b.N {
			if table.Get(keys[i%n]).n < 0 {
				b.Fatal("a key is missing")
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		for i := range b.N {
			if m[keys[i%n]].n < 0 {
				b.Fatal("a key is missing")
			}
		}
	})
}
