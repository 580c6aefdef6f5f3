package scheduler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// impatient has requests to peers end soon.
func impatient(set *Settings) {
	set.RequestTimeout, set.ConnectTimeout = 300*time.Millisecond, 300*time.Millisecond
}

// freeze listens at an address that takes connections and never says a word
// on them; each of them is noted.
func freeze(t *testing.T, s *Scheduler) (address string, taken <-chan struct{}) {
	t.Helper()
	l, err := s.set.Transports.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var held []net.Conn
	note := make(chan struct{}, 100)
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, nc)
			note <- struct{}{}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
		for _, nc := range held {
			_ = nc.Close()
		}
	})
	return l.ContactAddress(), note
}

// What is broadcast may take long, so a frozen worker holds it up until it is
// removed; then the others' answers come.
func TestABroadcastEndsWithAFrozenWorker(t *testing.T) {
	s := start(t, nil)
	address, taken := freeze(t, s)
	frozen := newWorker(t, s, address, 1)
	d, _ := serveData(t, s, nil)
	var out map[string]any
	done := make(chan struct{})
	go func() {
		defer close(done)
		v, err := askFor(t, s, "broadcast", field{"msg", object{{"op", "echo"}, {"text", "hi"}}}, field{"on_error", "return"})
		if err != nil {
			t.Error(err)
		}
		out, _ = v.(map[string]any)
	}()
	<-taken
	_ = frozen.conn.Close()
	<-done
	if other, _ := out[d.l.ContactAddress()].(map[string]any); len(out) != 2 || other["text"] != "hi" {
		t.Fatalf("broadcast %v", out)
	}
	shown, _ := out[address].(string) // bytes are shown in base64
	if text, err := base64.StdEncoding.DecodeString(shown); err != nil || !strings.HasPrefix(string(text), "cbuiltins\nOSError\n") {
		t.Errorf("instead of the frozen worker's answer %q: %v", text, err)
	}
}

// A frozen nanny must not hold up a restart for ever.
func TestARestartEndsWithAFrozenNanny(t *testing.T) {
	s := start(t, impatient)
	address, _ := freeze(t, s)
	register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Status: "running", NThreads: 1, Nanny: wire.StringOpaque(address)})
	if _, err := askFor(t, s, "restart"); err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("error %v does not name the nanny at %s", err, address)
	}
}

func TestBroadcastToNamedWorkersAndHosts(t *testing.T) {
	s := start(t, impatient)
	d1, _ := serveData(t, s, nil)
	d2, _ := serveData(t, s, nil)
	echo := field{"msg", object{{"op", "echo"}}}
	for name, c := range map[string]struct {
		fields []field
		want   int
	}{
		"by address":        {[]field{{"workers", []string{d1.l.ContactAddress()}}}, 1},
		"by name":           {[]field{{"workers", []string{"name of " + d2.l.ContactAddress()}}}, 1},
		"by host":           {[]field{{"hosts", []string{"127.0.0.1"}}}, 2},
		"twice":             {[]field{{"hosts", []string{"127.0.0.1"}}, {"workers", []string{d1.l.ContactAddress()}}}, 2},
		"nobody":            {[]field{{"workers", []string{"nobody"}}}, 0},
		"an empty list":     {[]field{{"workers", []string{}}}, 0},
		"nannies":           {[]field{{"nanny", true}}, 0},
		"nannies of a host": {[]field{{"hosts", []string{"127.0.0.1"}}, {"nanny", true}}, 0},
	} {
		out, _ := mustAsk(t, s, "broadcast", append(c.fields, echo)...).(map[string]any)
		if len(out) != c.want {
			t.Errorf("%s: %d answers, want %d", name, len(out), c.want)
		}
	}
	if _, err := askFor(t, s, "proxy", echo, field{"worker", "nobody"}); err == nil || !strings.Contains(err.Error(), `no worker "nobody"`) {
		t.Errorf("error %v", err)
	}
}

func TestWorkersLogsAreCollected(t *testing.T) {
	s := start(t, impatient)
	address, _ := freeze(t, s)
	newWorker(t, s, address, 1)
	d, _ := serveData(t, s, nil)
	out, _ := mustAsk(t, s, "worker_logs", field{"n", 3}).(map[string]any)
	if lines, _ := out[d.l.ContactAddress()].([]any); len(out) != 1 || len(lines) != 1 {
		t.Errorf("logs %v; those of the workers that answer", out)
	}
}

// Requests that are wrong get an answer that says so, on a scheduler that
// goes on.
func TestMalformedRequests(t *testing.T) {
	s := start(t, nil)
	newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	for _, c := range []struct {
		op     string
		fields []field
		want   string
	}{
		{"broadcast", []field{{"msg", 5}}, "field msg"},
		{"broadcast", []field{{"msg", object{{"no", "op"}}}}, "names no operation"},
		{"broadcast", []field{{"msg", object{{"op", "x"}}}, {"workers", object{}}}, "workers"},
		{"broadcast", []field{{"msg", object{{"op", "x"}}}, {"hosts", object{}}}, "hosts"},
		{"proxy", []field{{"msg", "x"}}, "field msg"},
		{"retry", []field{{"keys", []any{nil}}}, "keys"},
		{"get_story", []field{{"keys_or_stimuli", object{}}}, "keys_or_stimuli"},
		{"add_keys", []field{{"keys", object{}}}, "keys"},
		{"who_has", []field{{"keys", []any{nil}}}, "keys"},
		{"worker_logs", []field{{"workers", object{}}}, "workers"},
		{"retire_workers", []field{{"workers", object{}}}, "workers"},
	} {
		_, err := askFor(t, s, c.op, c.fields...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: error %v, want %q", c.op, c.fields, err, c.want)
		}
	}
	if n := mustAsk(t, s, "ncores").(map[string]any); len(n) != 1 {
		t.Errorf("ncores %v", n)
	}
}

// Unknown messages in streams are ignored with a warning; what follows counts.
func TestUnknownMessagesInStreams(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	odd, err := newAsk("no-such-thing", field{"x", 1})
	if err != nil {
		t.Fatal(err)
	}
	broken, err := newAsk("update-data", field{"who_has", 5})
	if err != nil {
		t.Fatal(err)
	}
	w.send(odd, &wire.KeepAlive{})
	c.send(odd, broken)
	compute(w, c, "x-1")
	for _, want := range []string{"unknown message of a worker ignored", "unknown message of a client ignored", "message of a client not understood"} {
		found := false
		for _, line := range s.log.last(0) {
			found = found || line.level == "WARNING" && strings.Contains(line.text, want)
		}
		if !found {
			t.Errorf("no warning %q", want)
		}
	}
}

// A peer that does not speak the protocol loses its connection only.
func TestPeersThatTalkNonsense(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	for _, text := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00", strings.Repeat("\xff", 100)} {
		nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.Address(), "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write([]byte(text)); err != nil {
			t.Error(err)
		}
		_ = nc.Close()
	}
	compute(w, c, "x-1")
}

func TestMessagesOfAWorkersStream(t *testing.T) {
	s := start(t, nil)
	const address = "tcp://127.0.0.1:1001"
	w, c := newWorker(t, s, address, 1), newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a"), noop("b")}, Keys: keysOf("a", "b")})
	a := next[*wire.ComputeTask](w)
	w.send(&wire.LongRunning{Key: a.Key, RunID: a.RunID, ComputeDuration: 1})
	b := next[*wire.ComputeTask](w) // the slot is free, and there is one more
	w.send(&wire.Reschedule{Key: a.Key})
	if m := next[*wire.FreeKeys](w); m.Keys[0] != a.Key {
		t.Errorf("free %v", m.Keys)
	}
	w.send(finish(b), finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
	next[*wire.KeyInMemory](c)
	w.send(&wire.RequestRefreshWhoHas{Keys: []wire.Key{b.Key}})
	if m := next[*wire.RefreshWhoHas](w); len(m.WhoHas) != 1 || m.WhoHas[0].Addresses[0] != address {
		t.Errorf("who has %v", m.WhoHas)
	}
	w.send(&wire.ReleaseWorkerData{Key: b.Key})
	if m := next[*wire.LostData](c); m.Key != b.Key {
		t.Errorf("lost %v", m.Key)
	}
	w.send(&wire.WorkerStatusChange{Status: "paused"})
	eventually(t, s, "the worker is paused", func() bool { i, _ := s.loop.m.Worker(address); return i.Status == "paused" })
	w.send(&wire.CloseStream{})
	eventually(t, s, "the worker is gone", func() bool { return len(s.loop.workers) == 0 })
}

func TestAWorkerMustGiveItsAddress(t *testing.T) {
	s := start(t, nil)
	if _, reply := register(t, s, &wire.RegisterWorker{NThreads: 1}); reply["status"] != "error" || !strings.Contains(reply["message"].(string), "address") {
		t.Errorf("reply %v", reply)
	}
}

// What a supervisor knows of a death is in the error that clients get.
func TestKilledWorkerQuotesTheSupervisor(t *testing.T) {
	s := start(t, func(set *Settings) { set.State.AllowedFailures = 0 })
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	next[*wire.ComputeTask](w)
	s.WorkerExited(state.WorkerExit{Address: "tcp://127.0.0.1:1001", Signal: "SIGSEGV", LastLog: []string{"core dumped"}})
	_ = w.conn.Close()
	m := next[*wire.TaskErred](c)
	for _, want := range []string{"KilledWorker", "ended by signal SIGSEGV", "core dumped"} {
		if !strings.Contains(m.ExceptionText, want) {
			t.Errorf("%q does not say %q", m.ExceptionText, want)
		}
	}
}

// spec is a run spec by reference, as clients in this process hand over.
type spec struct{ err error }

func (s spec) Encode() (wire.Opaque, error) { return wire.StringOpaque("encoded"), s.err }

func TestRunSpecsOfThisProcessTravel(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 3), newClient(t, s, "c")
	eventually(t, s, "the client is known", func() bool { return s.loop.clients["c"] != nil })
	for key, ref := range map[string]any{"good": spec{}, "bad": spec{context.DeadlineExceeded}, "odd": 5} {
		d := noop(key)
		d.RunSpec = wire.Opaque{Ref: ref}
		err := s.loop.do(t.Context(), func() {
			s.loop.apply(state.UpdateGraph{Client: "c", Tasks: []wire.TaskDef{d}, Keys: keysOf(key)})
		})
		if err != nil {
			t.Fatal(err)
		}
		if key == "good" {
			if m := next[*wire.ComputeTask](w); m.RunSpec.Text() != "encoded" {
				t.Errorf("spec %q", m.RunSpec.Text())
			}
			continue
		}
		want := map[string]string{"bad": "deadline exceeded", "odd": "run spec of type int"}[key]
		if m := next[*wire.TaskErred](c); m.Key.String() != key || !strings.Contains(m.ExceptionText, want) ||
			!strings.Contains(m.ExceptionText, "task "+key+" cannot be sent to worker tcp://127.0.0.1:1001") {
			t.Errorf("%s: %q", key, m.ExceptionText)
		}
	}
}

func TestMoreLookups(t *testing.T) {
	s := start(t, nil)
	const one, two = "tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002"
	w, c := newWorker(t, s, one, 1), newClient(t, s, "c")
	compute(w, c, "x-1")
	var story [][]any
	body, err := json.Marshal(mustAsk(t, s, "get_story", field{"keys_or_stimuli", keysOf("x-1")}))
	if err == nil {
		err = json.Unmarshal(body, &story)
	}
	if err != nil || len(story) != 3 || story[2][0] != "x-1" || story[2][1] != "processing" || story[2][2] != "memory" {
		t.Errorf("story %s: %v", body, err)
	}
	newWorker(t, s, two, 1)
	if got := mustAsk(t, s, "add_keys", field{"keys", keysOf("x-1")}, field{"worker", two}); got != "OK" {
		t.Errorf("add_keys %v", got)
	}
	if got := mustAsk(t, s, "update_data", field{"who_has", object{{"d", []string{two}}}}, field{"nbytes", object{{"d", 9}}}, field{"client", "c"}); got != nil {
		t.Errorf("update_data %v", got)
	}
	held := mustAsk(t, s, "who_has").(map[string]any)
	if len(held["x-1"].([]any)) != 2 || len(held["d"].([]any)) != 1 {
		t.Errorf("who_has %v", held)
	}
	for _, op := range []string{"check_idle", "missing_workers"} {
		if got := mustAsk(t, s, op); got != nil {
			t.Errorf("%s %v", op, got)
		}
	}
	m, err := newAsk("update-data", field{"who_has", object{{"e", []string{two}}}}, field{"nbytes", object{{"e", 9}}})
	if err != nil {
		t.Fatal(err)
	}
	c.send(m) // the same in the client's stream
	eventually(t, s, "e is there", func() bool { return len(s.loop.m.HasWhat(two)) == 3 })
}

func TestRetiringAsManyAsAskedFor(t *testing.T) {
	s := start(t, nil)
	busy, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	next[*wire.ComputeTask](busy)
	newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	newWorker(t, s, "tcp://127.0.0.1:1003", 1)
	out, _ := mustAsk(t, s, "retire_workers", field{"n", 1}).(map[string]any)
	if len(out) != 1 || out["tcp://127.0.0.1:1001"] != nil {
		t.Errorf("retired %v; the first one is busy", out)
	}
	if out, _ = mustAsk(t, s, "retire_workers", field{"names", []string{"name of tcp://127.0.0.1:1003"}}).(map[string]any); len(out) != 1 {
		t.Errorf("retired %v", out)
	}
}

func TestHeartbeatsGrowRarerWithMorePeers(t *testing.T) {
	last := 0.0
	for n, want := range map[int]float64{1: 0.5, 10: 0.5, 11: 1, 49: 1, 50: 2, 199: 2, 200: 2, 1000: 6} {
		if got := heartbeatSeconds(n); got != want {
			t.Errorf("%d peers: every %v s, want %v", n, got, want)
		}
		last = max(last, clientHeartbeat(n))
	}
	if last != 60 {
		t.Errorf("clients are at most at %v s", last)
	}
}

func TestHeartbeatsThatCannotBeRead(t *testing.T) {
	good := msgp.AppendFloat64(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "x"), 2.5)
	for name, c := range map[string]struct {
		raw  []byte
		want int
	}{
		"a map": {good, 1}, "nothing": {nil, 0}, "no map": {msgp.AppendInt(nil, 5), 0}, "cut off": {good[:len(good)-3], 0},
		"no key": {append(msgp.AppendMapHeader(nil, 1), 0xc0, 0xc0), 0},
	} {
		if got := executing(wire.Opaque{Raw: c.raw}); len(got) != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
