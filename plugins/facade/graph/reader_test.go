package graph

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"
	"google.golang.org/grpc"

	sdkgraph "github.com/gdask/gdask/sdk/graph"
	"github.com/gdask/gdask/sdk/handshake"
	graphv1 "github.com/gdask/gdask/sdk/proto/gdask/graph/v1"
	"github.com/gdask/gdask/sdk/wire"
)

// TestMain is also the plugin: the tests start this binary again.
func TestMain(m *testing.M) {
	if os.Getenv(handshake.CookieEnv) == handshake.KindGraph {
		servePlugin()
		return
	}
	goleak.VerifyTestMain(m)
}

func servePlugin() {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  handshake.Config(handshake.KindGraph),
		VersionedPlugins: map[int]goplugin.PluginSet{handshake.Bootstrap: {"graph": &fakePlugin{}}},
		GRPCServer:       goplugin.DefaultGRPCServer,
	})
}

type fakePlugin struct {
	goplugin.NetRPCUnsupportedPlugin
}

func (*fakePlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	graphv1.RegisterGraphServer(s, fakeReader{})
	return nil
}

func (*fakePlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("not used")
}

// fakeReader does what the expression, a text here, says.
type fakeReader struct {
	graphv1.UnimplementedGraphServer
}

func (fakeReader) Read(_ context.Context, r *graphv1.ReadRequest) (*graphv1.ReadResponse, error) {
	switch order := expression(r.Frames[0]); {
	case order == "refuse":
		return &graphv1.ReadResponse{Error: &graphv1.ReadError{Text: "KeyError: 'x'", Exception: []byte("pickle")}}, nil
	case order == "die":
		os.Exit(7)
	case strings.HasPrefix(order, "die once "):
		// The file outlives the process: the second one finds it.
		if f, err := os.OpenFile(order[len("die once "):], os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			_ = f.Close()
			os.Exit(7)
		}
	case order == "freeze":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {} // the signal may take a moment
	case order == "bad key":
		return &graphv1.ReadResponse{Tasks: []*graphv1.Task{{Key: []byte{0xc1}}}}, nil
	case order == "large":
		return &graphv1.ReadResponse{Tasks: []*graphv1.Task{{Key: key("a"), RunSpec: [][]byte{make([]byte, 32<<20)}}}}, nil
	}
	return &graphv1.ReadResponse{Tasks: []*graphv1.Task{
		{Key: key("a"), RunSpec: [][]byte{[]byte("header"), []byte("buffer")}, Order: 1, Priority: 2.5, Retries: 3,
			Workers: []string{"w"}, AllowOtherWorkers: true, Resources: map[string]float64{"GPU": 1}, Actor: true,
			Annotations: [][]byte{{0x80}}},
		{Key: key("b"), Dependencies: [][]byte{key("a"), key("elsewhere")}},
	}}, nil
}

func key(s string) []byte { return []byte(wire.StrKey(s)) }

// expression finds expr_ser in the first frame.
func expression(first []byte) string {
	n, b, _ := msgp.ReadMapHeaderBytes(first)
	for range n {
		var k, v string
		k, b, _ = msgp.ReadStringBytes(b)
		if k == "expr_ser" {
			v, _, _ = msgp.ReadStringBytes(b)
			return v
		}
		b, _ = msgp.Skip(b)
	}
	return ""
}

// newReader starts this test binary as its process, and counts the starts.
func newReader(t *testing.T, s Settings) (r *Reader, starts func() int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "gg") // short: sockets go below it
	if err != nil {
		t.Fatal(err)
	}
	n, mu := 0, sync.Mutex{}
	s.RunDirs = []string{filepath.Join(dir, "r")}
	s.Command = func(context.Context, string) (string, []string, []string, error) {
		mu.Lock()
		defer mu.Unlock()
		n++
		return self, nil, os.Environ(), nil
	}
	r = New(s)
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if left, _ := os.ReadDir(s.RunDirs[0]); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
	return r, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

func order(text string) *wire.UpdateGraph {
	return &wire.UpdateGraph{ExprSer: wire.StringOpaque(text), Keys: wire.KeySet{wire.StrKey("a")}}
}

func TestReadConvertsEveryField(t *testing.T) {
	r, starts := newReader(t, Settings{})
	if starts() != 0 {
		t.Error("a process runs before the first graph came")
	}
	got, err := r.Read(t.Context(), order("read"))
	if err != nil || len(got) != 2 {
		t.Fatalf("got %d tasks, %v", len(got), err)
	}
	a, b := got[0], got[1]
	if a.Key != wire.StrKey("a") || a.Runtime != "python" || a.Order != 1 || a.Priority != 2.5 || a.Retries != 3 ||
		len(a.Workers) != 1 || !a.AllowOther || a.Resources["GPU"] != 1 || !a.Actor || len(a.Annotations.Raw) != 1 {
		t.Errorf("task a: %+v", a)
	}
	if len(a.RunSpec.Frames) != 2 || string(a.RunSpec.Frames[1]) != "buffer" || !strings.Contains(string(a.RunSpec.Raw), "__Pickled__") {
		t.Errorf("run spec of a: %+v", a.RunSpec)
	}
	if len(b.Dependencies) != 2 || b.Dependencies[1] != wire.StrKey("elsewhere") || !b.RunSpec.IsNil() {
		t.Errorf("task b: %+v", b)
	}
}

func TestOneProcessServesAllCalls(t *testing.T) {
	r, starts := newReader(t, Settings{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := r.Read(t.Context(), order("read")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if starts() != 1 {
		t.Errorf("%d processes were started for 8 calls", starts())
	}
}

func TestARefusedGraphIsAnErrorOfItsOwn(t *testing.T) {
	r, starts := newReader(t, Settings{})
	_, err := r.Read(t.Context(), order("refuse"))
	var refused *sdkgraph.Error
	if !errors.As(err, &refused) || string(refused.Exception) != "pickle" || !strings.Contains(err.Error(), "KeyError") {
		t.Errorf("got %v", err)
	}
	if _, err := r.Read(t.Context(), order("read")); err != nil || starts() != 1 {
		t.Errorf("afterwards: %v, %d processes", err, starts())
	}
}

func TestADeadProcessIsReplacedOnce(t *testing.T) {
	r, starts := newReader(t, Settings{})
	if _, err := r.Read(t.Context(), order("die once "+filepath.Join(t.TempDir(), "x"))); err != nil || starts() != 2 {
		t.Errorf("died once: %v after %d starts", err, starts())
	}
	if _, err := r.Read(t.Context(), order("die")); err == nil || starts() != 3 {
		t.Errorf("dies always: %v after %d starts", err, starts())
	}
	if _, err := r.Read(t.Context(), order("read")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAFrozenProcessIsKilled(t *testing.T) {
	r, _ := newReader(t, Settings{HealthInterval: 100 * time.Millisecond})
	if _, err := r.Read(t.Context(), order("freeze")); err == nil {
		t.Error("a frozen process read a graph")
	}
	if _, err := r.Read(t.Context(), order("read")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAnswersMayBeLarge(t *testing.T) {
	r, _ := newReader(t, Settings{})
	if got, err := r.Read(t.Context(), order("large")); err != nil || len(got) != 1 {
		t.Errorf("32 MiB: %d tasks, %v", len(got), err)
	}
}

func TestBadAnswersAreErrors(t *testing.T) {
	r, _ := newReader(t, Settings{})
	if _, err := r.Read(t.Context(), order("bad key")); err == nil || !strings.Contains(err.Error(), "key c1") {
		t.Errorf("got %v", err)
	}
}

func TestReadAfterCloseAndCancelledRead(t *testing.T) {
	r, starts := newReader(t, Settings{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Read(ctx, order("read")); err == nil {
		t.Error("a cancelled read succeeded")
	}
	before := starts()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(t.Context(), order("read")); !errors.Is(err, errClosed) || starts() != before {
		t.Errorf("after Close: %v", err)
	}
}

func TestAFailedCommandIsReported(t *testing.T) {
	missing := errors.New("no python")
	r := New(Settings{RunDirs: []string{filepath.Join(t.TempDir(), "r")}, Command: func(context.Context, string) (string, []string, []string, error) {
		return "", nil, nil, missing
	}})
	for range 2 {
		if _, err := r.Read(t.Context(), order("read")); !errors.Is(err, missing) {
			t.Errorf("got %v", err)
		}
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
