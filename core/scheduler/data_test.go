package scheduler

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func gatherOf(t testing.TB, s *Scheduler, keys ...string) (wire.GetDataReply, wire.Opaque) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
	defer func() { _ = pool.Close() }()
	m, err := newAsk("gather", field{"keys", keysOf(keys...)})
	if err != nil {
		t.Fatal(err)
	}
	o, err := pool.CallRaw(ctx, s.Address(), m)
	if err != nil {
		t.Fatal(err)
	}
	var r wire.GetDataReply
	if status, _ := o.Field("status"); status.Text() == "OK" {
		if err := pool.Call(ctx, s.Address(), m, &r); err != nil {
			t.Fatal(err)
		}
	}
	return r, o
}

func TestGatherForwardsFramesAndAsksAgainWhenBusy(t *testing.T) {
	s := start(t, nil)
	d, w := serveData(t, s, map[wire.Key]wire.Opaque{wire.StrKey("a"): framed("value of a"), wire.StrKey("b"): framed("value of b")})
	d.busy = 2
	c := newClient(t, s, "c")
	compute(w, c, "a")
	compute(w, c, "b")
	r, _ := gatherOf(t, s, "a", "b")
	got := map[string]string{}
	for _, item := range r.Data {
		if len(item.Value.Frames) == 2 {
			got[item.Key.String()] = string(item.Value.Frames[1])
		}
	}
	if want := map[string]string{"a": "value of a", "b": "value of b"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("gathered %v, want %v", got, want)
	}
}

func TestGatherNamesWhatIsMissingAndTheTaskRunsAgain(t *testing.T) {
	s := start(t, nil)
	_, w := serveData(t, s, nil)
	c := newClient(t, s, "c")
	compute(w, c, "a")
	_, o := gatherOf(t, s, "a", "never heard of")
	answer, _ := decoded(t, o).(map[string]any)
	keys, _ := answer["keys"].([]any)
	if answer["status"] != "error" || len(keys) != 2 {
		t.Fatalf("answer %v", answer)
	}
	if m := next[*wire.ComputeTask](w); m.Key.String() != "a" {
		t.Fatalf("computes %v", m.Key)
	}
}

func TestGatherEndsWhenTheWorkerCannotBeReached(t *testing.T) {
	s := start(t, func(set *Settings) { set.ConnectTimeout = 50 * time.Millisecond })
	w := newWorker(t, s, "tcp://127.0.0.1:1", 1) // nobody listens there
	c := newClient(t, s, "c")
	compute(w, c, "a")
	_, o := gatherOf(t, s, "a")
	if answer, _ := decoded(t, o).(map[string]any); answer["status"] != "error" {
		t.Fatalf("answer %v", answer)
	}
}

func TestScatterDealsToWorkersAndKeepsFrames(t *testing.T) {
	s := start(t, nil)
	d1, _ := serveData(t, s, nil)
	d2, _ := serveData(t, s, nil)
	newClient(t, s, "c")
	x, y := framed("x"), framed("y")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
	defer func() { _ = pool.Close() }()
	raw, err := appendTree(nil, object{{"op", "scatter"}, {"client", "c"},
		{"data", keyed{{wire.StrKey("x"), &x}, {wire.StrKey("y"), &wire.Opaque{Raw: placeholderAt(2)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	m := &wire.UnknownMsg{Name: "scatter", Map: wire.Opaque{Raw: raw, Frames: append(append([][]byte{}, x.Frames...), y.Frames...)}}
	if _, err := pool.CallRaw(ctx, s.Address(), m); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*dataServer{d1, d2} {
		if len(d.data) != 1 {
			t.Fatalf("a worker got %d values, want 1", len(d.data))
		}
		for k, v := range d.data {
			if len(v.Frames) != 2 || string(v.Frames[1]) != k.String() {
				t.Errorf("%v came with frames %q", k, v.Frames)
			}
		}
	}
	held, _ := mustAsk(t, s, "who_has", field{"keys", keysOf("x", "y")}).(map[string]any)
	if len(held) != 2 || len(held["x"].([]any)) != 1 {
		t.Fatalf("who_has %v", held)
	}
}

func placeholderAt(i byte) []byte { return append([]byte("\x81\xae__Serialized__"), i) }

func TestScatterWithoutWorkersTimesOut(t *testing.T) {
	s := start(t, nil)
	_, err := askFor(t, s, "scatter", field{"data", keyed{{wire.StrKey("x"), 1}}}, field{"timeout", "10 ms"})
	if err == nil || !strings.Contains(err.Error(), "No valid workers") {
		t.Fatalf("error %v", err)
	}
}

func TestRetiringMovesWhatOnlyTheWorkerHolds(t *testing.T) {
	s := start(t, nil)
	d1, w1 := serveData(t, s, nil)
	c := newClient(t, s, "c")
	compute(w1, c, "a")
	d2, _ := serveData(t, s, nil)
	gone, leaves := d1.l.ContactAddress(), d2.l.ContactAddress()
	out, _ := mustAsk(t, s, "retire_workers", field{"workers", []string{gone}}, field{"close_workers", true}).(map[string]any)
	if len(out) != 1 || out[gone] == nil {
		t.Fatalf("retired %v", out)
	}
	if m := next[*wire.CloseWorker](w1); m.Reason != "scheduler-retire" {
		t.Errorf("reason %q", m.Reason)
	}
	eventually(t, s, "the copy is known and the worker gone", func() bool {
		return s.loop.workers[gone] == nil && len(s.loop.m.HasWhat(leaves)) == 1
	})
}

func TestWorkersOfAClusterThatEndsMoveNothing(t *testing.T) {
	s := start(t, nil)
	_, w := serveData(t, s, nil)
	c := newClient(t, s, "c")
	compute(w, c, "a")
	s.Ending()
	leaves := []field{{"workers", []string{w.s.loop.addressOf(t, s)}}, {"close_workers", false}, {"remove", false}}
	if out, _ := mustAsk(t, s, "retire_workers", leaves...).(map[string]any); len(out) != 0 {
		t.Errorf("retired %v", out)
	}
	if log := fmt.Sprint(s.log.last(0)); strings.Contains(log, "could not retire") {
		t.Errorf("log %s", log)
	}
}

func TestTheLastWorkerStaysWithItsDataAndSaysSo(t *testing.T) {
	s := start(t, nil)
	_, w := serveData(t, s, nil)
	c := newClient(t, s, "c")
	compute(w, c, "a")
	address := w.s.loop.addressOf(t, s)
	if out, _ := mustAsk(t, s, "retire_workers", field{"workers", []string{address}}).(map[string]any); len(out) != 0 {
		t.Errorf("retired %v", out)
	}
	for _, want := range []string{"closing_gracefully", "running"} {
		if m := next[*wire.WorkerStatusChange](w); m.Status != want {
			t.Errorf("the worker is told %s, want %s", m.Status, want)
		}
	}
	out, _ := mustAsk(t, s, "retire_workers", field{"workers", []string{address}}, field{"report", true}).(map[string]any)
	kept, _ := out["kept"].(map[string]any)
	if why, _ := kept[address].(string); !strings.Contains(why, "only it holds 1 results") {
		t.Errorf("answer %v", out)
	}
	log := fmt.Sprint(s.log.last(0))
	if !strings.Contains(log, "worker could not retire") || !strings.Contains(log, address) {
		t.Errorf("log %s", log)
	}
	events := fmt.Sprint(mustAsk(t, s, "events", field{"topic", address}), mustAsk(t, s, "events", field{"topic", "all"}))
	if !strings.Contains(events, "could-not-retire") || !strings.Contains(events, "retire-workers") {
		t.Errorf("events %s", events)
	}
	eventually(t, s, "it runs", func() bool { return s.loop.workers[address].status == "running" })
}

// addressOf is the address of the only worker.
func (l *loop) addressOf(t testing.TB, s *Scheduler) (a string) {
	t.Helper()
	if err := l.do(t.Context(), func() { a = l.sortedWorkers()[0].address }); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestReplicateAsksForCopies(t *testing.T) {
	s := start(t, nil)
	_, w := serveData(t, s, nil)
	c := newClient(t, s, "c")
	compute(w, c, "a")
	_, w2 := serveData(t, s, nil)
	mustAsk(t, s, "replicate", field{"keys", keysOf("a")})
	held, _ := mustAsk(t, s, "who_has", field{"keys", keysOf("a")}).(map[string]any)
	if len(held["a"].([]any)) != 2 {
		t.Fatalf("who_has %v", held)
	}
	next[*wire.AcquireReplicas](w2)
}

func TestBroadcastAndProxy(t *testing.T) {
	s := start(t, nil)
	d1, _ := serveData(t, s, nil)
	d2, _ := serveData(t, s, nil)
	echo := field{"msg", object{{"op", "echo"}, {"text", "hi"}}}
	out, _ := mustAsk(t, s, "broadcast", echo).(map[string]any)
	if len(out) != 2 || out[d1.l.ContactAddress()].(map[string]any)["text"] != "hi" {
		t.Fatalf("broadcast %v", out)
	}
	one := mustAsk(t, s, "proxy", echo, field{"worker", d2.l.ContactAddress()}).(map[string]any)
	if one["text"] != "hi" {
		t.Fatalf("proxy %v", one)
	}
	_, err := askFor(t, s, "broadcast", field{"msg", object{{"op", "nonsense"}}})
	if err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Fatalf("error %v", err)
	}
	out, _ = mustAsk(t, s, "broadcast", field{"msg", object{{"op", "nonsense"}}}, field{"on_error", "ignore"}).(map[string]any)
	if len(out) != 0 {
		t.Fatalf("broadcast %v", out)
	}
}
