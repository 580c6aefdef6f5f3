package keytable

import (
	"fmt"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestPartsMakeUpTheWhole(t *testing.T) {
	table := New(func(v *wire.Key) wire.Key { return *v })
	if _, next := table.Part(0, 1000); next != 0 {
		t.Errorf("an empty table has another part at %d", next)
	}
	const n = 1000
	for i := range n {
		k := wire.StrKey(fmt.Sprint("k", i))
		*table.Add(k) = k
	}
	seen := map[wire.Key]int{}
	for from, parts := 0, 0; ; parts++ {
		part, next := table.Part(from, 64)
		for v := range part {
			seen[*v]++
		}
		if from = next; next == 0 {
			break
		}
		if parts > n {
			t.Fatal("the parts have no end")
		}
	}
	for k, times := range seen {
		if times != 1 {
			t.Errorf("%v came %d times", k, times)
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d values came", len(seen), n)
	}
	if part, next := table.Part(1<<40, 5); next != 0 {
		t.Errorf("behind the end comes a part at %d", next)
	} else {
		for v := range part {
			t.Errorf("behind the end comes %v", *v)
		}
	}
}
