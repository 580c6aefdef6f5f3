package gdask

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"
)

// TestNoItemIsLostToACancelledGet, however close the end of the wait is to the
// item's arrival.
func TestNoItemIsLostToACancelledGet(t *testing.T) {
	const n = 300
	ctx := within(t, 60*time.Second)
	c := newClient(t, ctx, modes["processes"])
	q := NewQueue[int](c, "", 0)
	var got []int
	cancelled := 0
	for i := range n {
		wait, cancel := context.WithCancel(ctx)
		put := make(chan error, 1)
		go func() {
			err := q.Put(ctx, i)
			for range i % 7 {
				runtime.Gosched()
			}
			cancel()
			put <- err
		}()
		if v, err := q.Get(wait); err == nil {
			got = append(got, v)
		} else {
			cancelled++
		}
		if err := <-put; err != nil {
			t.Fatal(err)
		}
	}
	for len(got) < n {
		v, err := q.Get(ctx)
		if err != nil {
			t.Fatalf("%v: %d of %d items are left, %d waits were cancelled", err, len(got), n, cancelled)
		}
		got = append(got, v)
	}
	slices.Sort(got)
	for i, v := range got {
		if i != v {
			t.Fatalf("item %d came twice or never", i)
		}
	}
	if size, err := q.Len(ctx); err != nil || size != 0 {
		t.Errorf("%d items are left over, %v", size, err)
	}
}
