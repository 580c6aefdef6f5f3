//go:build linux

package chaos

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestGraphsAreTheSameForASeed(t *testing.T) {
	a, b := newGraph(rand.New(rand.NewPCG(7, 1)), 200), newGraph(rand.New(rand.NewPCG(7, 1)), 200)
	va, vb := a.sequential(), b.sequential()
	for i := range va {
		if err := differs(i, va[i], vb[i]); err != nil {
			t.Fatal(err)
		}
	}
}

// A wrong value must show in what depends on it, or losses would go unnoticed.
func TestValuesDependOnAllInputs(t *testing.T) {
	in := []Value{{Sum: 1, Pad: []byte{1}}, {Sum: 2}}
	right := compute(Node{ID: 5, Size: 10}, in)
	for name, wrong := range map[string][]Value{
		"order": {in[1], in[0]}, "fewer": in[:1], "sum": {in[0], {Sum: 3}}, "bytes": {{Sum: 1, Pad: []byte{2}}, in[1]},
	} {
		if differs(5, compute(Node{ID: 5, Size: 10}, wrong), right) == nil {
			t.Errorf("%s: the value is the same", name)
		}
	}
	if differs(5, Value{Sum: right.Sum, Pad: right.Pad[:9]}, right) == nil {
		t.Error("a shorter result is no difference")
	}
}

// echo is a server that the proxy leads to.
func echo(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c}) // without splice, whose pipes stay open for a while
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

func TestProxyCutsAndStalls(t *testing.T) {
	p, err := newProxy(t.Context(), echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.close() }()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.address(), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	say := func() error {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Write([]byte("hello")); err != nil {
			return err
		}
		var b [5]byte
		_, err := io.ReadFull(c, b[:])
		return err
	}
	if err := say(); err != nil {
		t.Fatal(err)
	}
	pairs := p.some(rand.New(rand.NewPCG(1, 1)), 1)
	if len(pairs) != 1 {
		t.Fatalf("%d connections", len(pairs))
	}
	pairs[0].mu.Lock() // stalled
	_ = c.SetDeadline(time.Now().Add(50 * time.Millisecond))
	_, _ = c.Write([]byte("hello"))
	if n, err := io.ReadFull(c, make([]byte, 5)); err == nil {
		t.Errorf("%d bytes came over a stalled connection", n)
	}
	pairs[0].mu.Unlock()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Errorf("nothing came after the stall: %v", err)
	}
	pairs[0].cut()
	if err := say(); err == nil {
		t.Error("an answer over a connection that was cut")
	}
}

func TestLeftoversAreFound(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := left(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty", "socket"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if left(dir) == nil {
		t.Error("a file is not found")
	}
	files, err := openFiles()
	if err != nil {
		t.Fatal(err)
	}
	v := &inventory{files: files}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if v.openFiles() == nil {
		t.Error("an open file is not found")
	}
	_ = f.Close()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := v.processes(); err == nil || !strings.Contains(err.Error(), "cat") {
		t.Errorf("a child is not found: %v", err)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}
