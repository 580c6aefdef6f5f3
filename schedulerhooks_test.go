package gdask

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// witness is a scheduler plugin that notes all that it is told.
type witness struct {
	mu    sync.Mutex
	notes []string
	keep  string // the worker that must stay
}

// present is the witness of the test under way.
var present *witness

var witnessPlug = Func[SchedulerPlugin]("witness-plugin", func() SchedulerPlugin { return present })

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

func (w *witness) has(note string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.notes, note)
}

func (w *witness) Start(context.Context, hook.Scheduler) error { w.note("start"); return nil }
func (w *witness) BeforeClose(context.Context) error           { w.note("before close"); return nil }
func (w *witness) Close(context.Context) error                 { w.note("close"); return nil }
func (w *witness) UpdateGraph(client string, keys []wire.Key) {
	w.note("graph of %s: %v", client, keys)
}
func (w *witness) AddWorker(address string)               { w.note("worker %s", address) }
func (w *witness) RemoveWorker(address string)            { w.note("no worker %s", address) }
func (w *witness) AddClient(id string)                    { w.note("client %s", id) }
func (w *witness) RemoveClient(id string)                 { w.note("no client %s", id) }
func (w *witness) LogEvent(topic string, msg wire.Opaque) { w.note("event %s: %s", topic, msg.Text()) }
func (w *witness) ValidWorkersDownscaling(workers []string) []string {
	return slices.DeleteFunc(slices.Clone(workers), func(a string) bool { return a == w.keep })
}

// TestSchedulerPluginsHearOfEverything that Dask's hear of.
func TestSchedulerPluginsHearOfEverything(t *testing.T) {
	ctx := within(t, 60*time.Second)
	present = &witness{}
	w := present
	c := newClient(t, ctx, modes["threads"])
	cluster := c.Cluster().(*LocalCluster)
	if err := c.RegisterSchedulerPlugin(ctx, witnessPlug, PluginOptions{}); err != nil {
		t.Fatal(err)
	}
	expect := func(format string, args ...any) {
		t.Helper()
		note := fmt.Sprintf(format, args...)
		until(t, note, func() bool { return w.has(note) })
	}
	expect("start")

	other, err := NewClient(ctx, cluster, ClientOptions{NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	expect("client %s", other.ID())
	f := inc.Submit(other, 5)
	expect("graph of %s: [%s]", other.ID(), f.Key())
	if err := other.LogEvent("hello", "greetings"); err != nil {
		t.Fatal(err)
	}
	expect("event greetings: hello")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	expect("no client %s", other.ID())

	if err := cluster.Scale(3); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	third := cluster.Workers()[2].Address()
	expect("worker %s", third)
	w.keep = third
	gone, err := c.RetireWorkers(ctx, RetireOptions{N: 3})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(gone); strings.Contains(text, third) || w.has("no worker "+third) {
		t.Errorf("the worker that the plugin keeps is retired: %s", text)
	}
	first := cluster.Workers()[0].Address()
	expect("no worker %s", first)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.notes)
	before := slices.Index(w.notes, "before close")
	if before < 0 || w.notes[n-1] != "close" || slices.Contains(w.notes[before+1:], "before close") {
		t.Errorf("at the end it heard %q", w.notes[max(0, n-5):])
	}
}
