package coord

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A line does what a plain slice would do.
func TestALineIsServedInOrder(t *testing.T) {
	var f fifo[int]
	var want []int
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 20_000 {
		switch n := rng.IntN(10); {
		case n < 4 || len(want) == 0:
			f.push(i)
			want = append(want, i)
		case n < 7:
			if got := f.pop(); got != want[0] {
				t.Fatalf("step %d: %d was first, want %d", i, got, want[0])
			}
			want = want[1:]
		case n < 8:
			f.putBack(i, -i)
			want = slices.Insert(want, 0, i, -i)
		default:
			x := want[rng.IntN(len(want))]
			if _, ok := f.quit(func(y int) bool { return x == y }); !ok {
				t.Fatalf("step %d: %d was not there", i, x)
			}
			at := slices.Index(want, x)
			want = slices.Delete(slices.Clone(want), at, at+1)
		}
		if !slices.Equal(f.all(), want) {
			t.Fatalf("step %d: %v, want %v", i, f.all(), want)
		}
	}
	if c := cap(f.items); c > 8*len(want)+1024 {
		t.Errorf("room for %d is kept for %d", c, len(want))
	}
}

// BenchmarkQueue takes one item out and puts one in, where many are in between.
func BenchmarkQueue(b *testing.B) {
	var f fifo[Record]
	for range 1_000_000 {
		f.push(Record{Key: "k"})
	}
	for b.Loop() {
		f.push(f.pop())
	}
}
