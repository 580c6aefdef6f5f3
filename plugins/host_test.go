//go:build unix

package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/plugins/internal/fakeclass"
	"github.com/gdask/gdask/plugins/launch"
)

func TestHostNeedsALogger(t *testing.T) {
	if _, err := NewHost(Settings{}); err == nil || !strings.Contains(err.Error(), "Settings.Logger") {
		t.Errorf("got %v", err)
	}
}

func TestResolveKnowsDasksNames(t *testing.T) {
	f := newHost(t, nil)
	for name, want := range map[string]string{
		"Worker": Threadpool, "distributed.Worker": Threadpool, "dask.distributed.Worker": Threadpool, Threadpool: Threadpool,
		"Nanny": Subprocess, "distributed.Nanny": Subprocess, "dask.distributed.Nanny": Subprocess, Subprocess: Subprocess,
	} {
		if e, err := f.Resolve(name); err != nil || e.Name != want || !e.Builtin {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if _, err := f.Resolve("mycustm"); err == nil || !strings.Contains(err.Error(), `did you mean "mycustom"?`) {
		t.Errorf("got %v", err)
	}
	if got := f.List(); len(got) != 3 {
		t.Errorf("listed are %+v", got)
	}
}

// A third party's class and a builtin in a process of its own are run in the
// same way.
func TestStartAndStop(t *testing.T) {
	f := newHost(t, nil)
	for _, class := range []string{"mycustom", Subprocess, "dask.distributed.Nanny"} {
		w := f.start(t, class, fakeclass.Plain)
		if w.Name() != fakeclass.Plain || w.Pid() == os.Getpid() || w.Address() != fmt.Sprintf("tcp://127.0.0.1:%d", w.Pid()) || w.Err() != nil {
			t.Errorf("%s: worker %q at %s in process %d: %v", class, w.Name(), w.Address(), w.Pid(), w.Err())
		}
		if err := w.Stop(t.Context(), "test"); err != nil {
			t.Errorf("%s: %v", class, err)
		}
		done(t, w)
		if err := w.Err(); err != nil {
			t.Errorf("%s: %v", class, err)
		}
		gone(t, w.Pid())
		if err := w.Stop(t.Context(), "again"); err != nil {
			t.Errorf("%s: %v", class, err)
		}
	}
	if len(f.reports) != 0 {
		t.Errorf("told of %+v", <-f.reports)
	}
}

func TestNamelessWorkerIsCalledByItsAddress(t *testing.T) {
	f := newHost(t, func(_ *Settings, c *ClassSettings) { c.MTLS = "on" })
	w := f.start(t, "mycustom", "")
	if w.Name() != w.Address() || w.Name() == "" {
		t.Errorf("called %q at %q", w.Name(), w.Address())
	}
}

func TestKilledWorkerIsStartedAgain(t *testing.T) {
	f := newHost(t, nil)
	w := f.start(t, "mycustom", fakeclass.Plain)
	pid, address := w.Pid(), w.Address()
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	e := f.report(t)
	if e.Class != "mycustom" || e.Address != address || e.Pid != pid || e.Code != -1 || e.Signal != "killed" || e.OOM || e.Ending {
		t.Errorf("told of %+v", e)
	}
	if text := strings.Join(e.LastLog, "\n"); !strings.Contains(text, "worker plain of mycustom starts") {
		t.Errorf("the last lines are %q", text)
	}
	until(t, "the restart", func() bool { return w.Pid() != pid })
	if w.Address() == address || w.Err() != nil {
		t.Errorf("now at %s: %v", w.Address(), w.Err())
	}
	gone(t, pid)
}

func TestFrozenWorkerIsReplaced(t *testing.T) {
	f := newHost(t, nil)
	f.health = 500 * time.Millisecond
	w := f.start(t, "mycustom", fakeclass.Plain)
	pid := w.Pid()
	freeze(t, pid)
	if e := f.report(t); e.Pid != pid || e.Signal != "killed" {
		t.Errorf("told of %+v", e)
	}
	until(t, "the restart", func() bool { return w.Pid() != pid })
	gone(t, pid)
}

// A worker that ends in peace stays ended; one that gives up is started again
// until it has given up too often.
func TestWorkersThatEnd(t *testing.T) {
	f := newHost(t, func(_ *Settings, c *ClassSettings) { c.Restart.Max = 1 })
	w := f.start(t, "mycustom", fakeclass.Ends)
	done(t, w)
	if w.Err() != nil || len(f.reports) != 0 {
		t.Errorf("ended with %v, %d reports", w.Err(), len(f.reports))
	}
	if len(f.wanted) != 1 {
		t.Errorf("%d reports that the end is wanted", len(f.wanted))
	}
	w = f.start(t, "mycustom", fakeclass.Fails)
	done(t, w)
	if err := w.Err(); err == nil || !strings.Contains(err.Error(), fakeclass.ErrFailed.Error()) || !strings.Contains(err.Error(), "given up after more than 1 ends") {
		t.Errorf("ended with %v", err)
	}
	for range 2 {
		if e := f.report(t); e.Code != -1 || e.Signal != "" || e.OOM {
			t.Errorf("told of %+v", e)
		}
	}
	gone(t, w.Pid())
}

// TestStartErrors: what is wrong is said at once, and nothing is left of it.
func TestStartErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		class  string
		worker string
		change func(s *Settings, c *ClassSettings)
		want   []string
	}{
		{"unknown class", "mycustm", fakeclass.Plain, nil, []string{`no worker plugin "mycustm", did you mean "mycustom"?`}},
		{"refuses", "mycustom", fakeclass.Refuse, nil, []string{`"mycustom"`, fakeclass.ErrRefused.Error()}},
		{"dies", "mycustom", fakeclass.Exit, nil, []string{`"mycustom"`, "worker exit of mycustom starts"}},
		{"unknown key", "mycustom", fakeclass.Plain, func(_ *Settings, c *ClassSettings) { c.Config = map[string]any{"modell": 1} },
			[]string{`"mycustom"`, `unknown field "modell"`, `did you mean "model"?`}},
		{"value of another type", "mycustom", fakeclass.Plain, func(_ *Settings, c *ClassSettings) { c.Config = map[string]any{"size": "big"} },
			[]string{`"mycustom"`, "size"}},
		{"no checksum", "mycustom", fakeclass.Plain, func(s *Settings, _ *ClassSettings) { s.Strict = true },
			[]string{"plugins.strict", "has no checksum", "gdask plugin verify mycustom"}},
		{"another checksum", "mycustom", fakeclass.Plain, func(s *Settings, c *ClassSettings) {
			s.Strict, c.Checksum = true, "sha256:"+strings.Repeat("0", 64)
		}, []string{"checksum mismatch", "sha256:000", "gdask plugin verify"}},
		{"relative command", "mycustom", fakeclass.Plain, func(_ *Settings, c *ClassSettings) { c.Command = "x/y" }, []string{"is no absolute path"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newHost(t, tt.change)
			_, err := f.try(t, tt.class, tt.worker)
			if err == nil {
				t.Fatal("it started")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is missing in %v", w, err)
				}
			}
			if len(f.reports) != 0 {
				t.Errorf("told of %+v", <-f.reports)
			}
		})
	}
}

func TestPinnedPluginStarts(t *testing.T) {
	f := newHost(t, func(s *Settings, c *ClassSettings) {
		var err error
		if c.Checksum, err = launch.Checksum(c.Command); err != nil {
			t.Fatal(err)
		}
		s.Strict = true
		c.Config = map[string]any{"model": "small", "size": 3}
	})
	f.start(t, "mycustom", fakeclass.Plain)
	f.start(t, Subprocess, fakeclass.Plain) // builtins need no checksum
}

func TestInProcessIsForBuiltins(t *testing.T) {
	f := newHost(t, nil)
	for _, class := range []string{"mycustom", Subprocess} {
		_, err := f.StartWorker(t.Context(), class, true, options("x"))
		want := fmt.Sprintf("worker class %q runs in processes of its own; leave processes on, or use threadpool", class)
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.StartWorker(ctx, Threadpool, true, options("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a worker joined a scheduler that is not there: %v", err)
	}
}

// Workers that answer, are frozen, ignore everything or have ended: closing the
// host leaves no process of them and no file, within its time.
func TestCloseLeavesNothing(t *testing.T) {
	f := newHost(t, nil)
	var pids []int
	for _, name := range []string{fakeclass.Plain, fakeclass.Deaf, fakeclass.Plain, fakeclass.Ends} {
		w := f.start(t, "mycustom", name)
		pids = append(pids, w.Pid())
	}
	freeze(t, pids[2])
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Error(err)
	}
	for _, pid := range pids {
		gone(t, pid)
	}
	f.nothingLeft(t)
	if len(f.reports) != 0 {
		t.Errorf("told of %+v", <-f.reports)
	}
	if _, err := f.try(t, "mycustom", fakeclass.Plain); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed host started a worker: %v", err)
	}
}

func TestUnusedHostMakesNoDirectory(t *testing.T) {
	f := newHost(t, nil)
	f.end(t)
	if _, err := os.Stat(f.base); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", f.base, err)
	}
}

// Close does not wait for a start that takes its time.
func TestCloseGivesUpStarts(t *testing.T) {
	begun := make(chan struct{})
	f := newHost(t, func(s *Settings, _ *ClassSettings) {
		s.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: lines(func(line string) {
			if strings.Contains(line, "worker hang of mycustom starts") {
				close(begun)
			}
		})})
	})
	got := make(chan error, 1)
	go func() {
		_, err := f.StartWorker(context.Background(), "mycustom", false, options(fakeclass.Hang))
		got <- err
	}()
	select {
	case <-begun:
	case err := <-got:
		t.Fatal(err)
	}
	f.end(t)
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Errorf("the start says %v", err)
	}
}

// lines is a log that is read as it is written.
type lines func(line string)

func (f lines) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// The watch over memory is told of every process of a worker with a limit, and
// its word ends them.
func TestMemoryWatch(t *testing.T) {
	watched := make(chan WatchedProcess, 10)
	f := newHost(t, func(s *Settings, _ *ClassSettings) {
		s.Memory = func(ctx context.Context, p WatchedProcess, terminate func(kill bool)) {
			watched <- p
			if len(watched) == 1 { // the first one
				terminate(false)
			}
			<-ctx.Done()
		}
	})
	f.start(t, "mycustom", fakeclass.Ends) // has no limit
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	o := options(fakeclass.Plain)
	o.MemoryLimit = 1000
	w, err := f.StartWorker(ctx, "mycustom", false, o)
	if err != nil {
		t.Fatal(err)
	}
	announced, ended := f.report(t), f.report(t)
	if !announced.Ending || !announced.OOM || ended.Ending || !ended.OOM || announced.Pid != ended.Pid {
		t.Errorf("told of %+v, then %+v", announced, ended)
	}
	until(t, "the restart", func() bool { return w.Pid() != ended.Pid })
	for _, pid := range []int{ended.Pid, w.Pid()} {
		if p := <-watched; p != (WatchedProcess{Worker: fakeclass.Plain, Pid: pid, Limit: 1000}) {
			t.Errorf("watched %+v, want process %d", p, pid)
		}
	}
}
