package scheduler

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// A scatter that fails half way leaves nothing behind where it came through.
func TestScatterThatFailsTakesItsValuesBack(t *testing.T) {
	s := start(t, func(set *Settings) { set.ConnectTimeout = 50 * time.Millisecond })
	d, w := serveData(t, s, nil)
	newWorker(t, s, "tcp://127.0.0.1:1", 1) // nobody listens there
	newClient(t, s, "c")
	_, err := askFor(t, s, "scatter", field{"client", "c"}, field{"data", keyed{{wire.StrKey("x"), 1}, {wire.StrKey("y"), 2}}})
	if err == nil {
		t.Fatal("the scatter is said to have worked")
	}
	freed := next[*wire.FreeKeys](w)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.data) != 1 || len(freed.Keys) != 1 {
		t.Fatalf("the worker got %v and was told to drop %v", d.data, freed.Keys)
	}
	if _, ok := d.data[freed.Keys[0]]; !ok {
		t.Errorf("told to drop %v, has %v", freed.Keys, d.data)
	}
}
