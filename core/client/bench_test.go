package client

import (
	"strconv"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// BenchmarkTask is what the client itself spends on one task of a Map: enter
// it, hear of its end, count the wait down and release it.
func BenchmarkTask(b *testing.B) {
	c := &Client{table: newTable(), flush: make(chan struct{}, 1)}
	const batch = 1024
	defs := make([]wire.TaskDef, 0, b.N)
	news := make([]wire.Msg, 0, b.N)
	for i := range b.N {
		k := wire.StrKey("noop-" + strconv.Itoa(i))
		defs = append(defs, wire.TaskDef{Key: k})
		news = append(news, &wire.KeyInMemory{Key: k, Workers: []string{"inproc://1/2/3"}})
	}
	var slabs [][]Future
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		slabs = append(slabs, c.Submit(Graph{Tasks: defs[i:min(i+batch, b.N)]}))
		c.unheard.said = c.unheard.said[:0]
	}
	for i := 0; i < b.N; i += batch {
		if err := c.handleBatch(news[i:min(i+batch, b.N)]); err != nil {
			b.Fatal(err)
		}
	}
	for _, fs := range slabs {
		if fs[0].Status() != Finished {
			b.Fatal("not finished")
		}
		ReleaseAll(fs)
	}
}
