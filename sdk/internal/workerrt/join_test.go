package workerrt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestRegistrationSaysWhatTheWorkerIs(t *testing.T) {
	s := newScheduler(t, tcpSet(t))
	dir := t.TempDir()
	w, ss := s.start(Settings{
		Name: "alice", NThreads: 3, MemoryLimit: 1 << 40, Resources: map[string]float64{"GPU": 2}, LocalDirectory: dir,
		Nanny: "tcp://127.0.0.1:9", Runtimes: []string{"go", "command"}, DashboardAddr: "127.0.0.1:0",
	})
	r := ss.reg
	if r.Address != w.Address() || r.NThreads != 3 || r.MemoryLimit != 1<<40 || r.Resources["GPU"] != 2 || r.Status != "init" {
		t.Errorf("registration: %+v", r)
	}
	if name, _ := r.Name.AsString(); name != "alice" || w.Name() != "alice" {
		t.Errorf("name %q", name)
	}
	if nanny, _ := r.Nanny.AsString(); nanny != "tcp://127.0.0.1:9" {
		t.Errorf("nanny %q", nanny)
	}
	if !slices.Equal(r.Runtimes, []string{"go", "command"}) || len(r.Held) > 0 {
		t.Errorf("runtimes %v, held %v", r.Runtimes, r.Held)
	}
	if r.Pid <= 0 || r.ServerID == "" || r.Now <= 0 || !strings.HasPrefix(r.LocalDirectory, dir) || r.LocalDirectory != w.LocalDirectory() {
		t.Errorf("registration: %+v", r)
	}
	if port, ok := r.Services.Field("dashboard"); !ok || port.IsNil() {
		t.Errorf("services %v have no dashboard", r.Services)
	}
	ss.status("running")
}

func TestNamelessWorkerIsNamedByItsAddress(t *testing.T) {
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{})
	if name, _ := ss.reg.Name.AsString(); name != w.Address() || !strings.HasPrefix(name, "tcp://127.0.0.1:") {
		t.Errorf("name %q, address %q", name, w.Address())
	}
}

func TestRefusedRegistrationIsFinal(t *testing.T) {
	for name, k := range map[string]struct {
		reply any
		want  string
	}{
		"by message": {&wire.RegisterWorkerReply{Status: "error", Message: "name taken, alice"}, "name taken, alice"},
		"by failure": {wire.FailureOf(errors.New("no room here")), "no room here"},
		"by no map":  {"go away", "answer to the registration"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				asked := 0
				s.greet = func(*wire.RegisterWorker) any { asked++; return k.reply }
				dir := t.TempDir()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				_, err := Start(ctx, Settings{Scheduler: s.address, Transports: s.set, LocalDirectory: dir})
				if err == nil || !strings.Contains(err.Error(), k.want) || !strings.Contains(err.Error(), s.address) {
					t.Errorf("got %v", err)
				}
				if asked != 1 || ctx.Err() != nil {
					t.Errorf("asked %d times for a definite answer", asked)
				}
				if !isEmpty(t, dir) {
					t.Error("the local directory was left behind")
				}
			})
		})
	}
}

// futureHandshake is what a scheduler of a later version says first, which does not
// speak ours any more.
func futureHandshake(t *testing.T) []byte {
	t.Helper()
	near, far := net.Pipe()
	go func() { _, _ = wire.NewConn(t.Context(), near, wire.Settings{}) }()
	b := make([]byte, 4096)
	n, err := far.Read(b)
	_ = far.Close()
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.ReplaceAll(b[:n], []byte("gdask\x01"), []byte("gdask\x09"))
	return bytes.ReplaceAll(b, []byte("gdask-oldest\x01"), []byte("gdask-oldest\x09"))
}

func TestSchedulerOfAnotherVersionIsFinal(t *testing.T) {
	says := futureHandshake(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_, _ = nc.Write(says)
			_, _ = io.Copy(io.Discard, nc)
			_ = nc.Close()
		}
	}()
	defer func() { _ = ln.Close(); <-done }()
	_, err = Start(t.Context(), Settings{Scheduler: "tcp://" + ln.Addr().String(), Transports: tcpSet(t), LocalDirectory: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "they cannot work together; update this program") || calls.Load() != 1 {
		t.Errorf("after %d calls: %v", calls.Load(), err)
	}
}

func TestJoinWaitsForALateScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := memSet(t)
		go func() {
			<-time.After(3 * time.Minute)
			schedulerAt(t, set, "mem://late")
		}()
		w, err := Start(t.Context(), Settings{Scheduler: "mem://late", Transports: set, LocalDirectory: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Stop(t.Context(), "test"); err != nil {
			t.Error(err)
		}
	})
}

func TestDeathTimeoutBoundsJoining(t *testing.T) {
	for name, k := range map[string]func(s *scheduler) string{
		"nobody listens": func(*scheduler) string { return "mem://nobody" },
		"frozen": func(s *scheduler) string {
			s.greet = func(*wire.RegisterWorker) any { return silent{} }
			return s.address
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				start := time.Now()
				_, err := Start(context.Background(), Settings{
					Scheduler: k(s), Transports: s.set, LocalDirectory: t.TempDir(), DeathTimeout: 70 * time.Second,
				})
				if err == nil || !strings.Contains(err.Error(), "death timeout of 1m10s") {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took != 70*time.Second {
					t.Errorf("gave up after %v", took)
				}
			})
		})
	}
}

// TestFrozenRegistrationIsTriedAgain: a scheduler that hangs while it answers one
// registration must not hold the worker for ever.
func TestFrozenRegistrationIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		first := true
		s.greet = func(*wire.RegisterWorker) any {
			if first {
				first = false
				return silent{}
			}
			return &wire.RegisterWorkerReply{Status: "OK"}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		w, err := Start(ctx, Settings{Scheduler: s.address, Transports: s.set, LocalDirectory: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Stop(t.Context(), "test"); err != nil {
			t.Error(err)
		}
	})
}

func TestSettingsThatCannotWork(t *testing.T) {
	for name, k := range map[string]struct {
		set  Settings
		want string
	}{
		"no scheduler":   {Settings{Transports: memSet(t)}, "no scheduler address"},
		"no transports":  {Settings{Scheduler: "mem://x"}, "no transports"},
		"unknown scheme": {Settings{Scheduler: "men://x", Transports: memSet(t)}, "mem"},
		"listen": {Settings{Scheduler: "mem://x", ListenAddress: "nix://y", Transports: memSet(t)},
			"listen on nix://y"},
		"dashboard": {Settings{Scheduler: "mem://x", Transports: memSet(t), DashboardAddr: "256.0.0.1:0"},
			"dashboard on 256.0.0.1:0"},
	} {
		dir := t.TempDir()
		k.set.LocalDirectory = dir
		_, err := Start(t.Context(), k.set)
		if err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%s: got %v, want %q", name, err, k.want)
		}
		if !isEmpty(t, dir) {
			t.Errorf("%s: the local directory was left behind", name)
		}
	}
}
