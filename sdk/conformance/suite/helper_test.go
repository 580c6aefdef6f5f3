//go:build unix

package suite

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

type helperConfig struct {
	Suffix string `json:"suffix" default:"!"`
}

// helper is a plugin process: a good one, or one that is broken as mode says.
func helper(mode string) {
	switch mode {
	case "handmade":
		handmade()
		return
	case "text":
		sdk.Serve(worker.New("helper", func(*helperConfig) (worker.Executor, error) { return textExecutor{}, nil }, worker.Runtimes("text")))
	case "talks-first":
		fmt.Println("hello from an init function")
	case "no-lifeline":
		_ = os.Unsetenv("GDASK_LIFELINE")
	case "bad-describe":
		if len(os.Args) > 1 && os.Args[1] == "describe" {
			fmt.Println("I am a plugin")
			return
		}
	case "silent-by-hand":
		if os.Getenv("GDASK_PLUGIN") == "" {
			return
		}
	}
	reg := task.NewRegistry()
	if mode != "bare" {
		if err := RegisterFunctions(reg); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	stdout, _ := unix.Dup(1) // what the SDK protects authors from
	version := "1.2.3"
	if mode == "bad-version" {
		version = "one"
	}
	c := worker.New("helper", func(*helperConfig) (worker.Executor, error) { return executor{mode, stdout}, nil },
		worker.Functions(reg), worker.Version(version))
	if mode == "good" || mode == "bare" {
		sdk.Serve(c)
	}
	sdk.Serve(&broken{Class: c, mode: mode, stdout: stdout})
}

// executor runs tasks in a broken way.
type executor struct {
	mode   string
	stdout int
}

func (x executor) Execute(ctx context.Context, t worker.Task) (worker.Result, error) {
	switch x.mode {
	case "deaf-tasks":
		ctx = context.WithoutCancel(ctx)
	case "printing-tasks":
		_, _ = unix.Write(x.stdout, []byte("task says hello\n"))
	}
	r, err := t.Run(ctx)
	switch x.mode {
	case "swallows-errors":
		return r, nil
	case "hides-errors":
		if err != nil {
			err = fmt.Errorf("something went wrong")
		}
	case "wrong-results":
		r.Value = int64(-1)
	}
	return r, err
}

// broken is a class with one fault.
type broken struct {
	*worker.Class
	mode   string
	stdout int
	spoilt bool
}

var _ sdk.WorkerClass = (*broken)(nil)

func (b *broken) Describe() sdk.Description {
	d := b.Class.Describe()
	out := sdk.Description{Version: d.Version, Runtimes: d.Runtimes, ConfigSchema: d.ConfigSchema}
	switch b.mode {
	case "other-runtimes":
		out.Runtimes = []string{"cobol"}
	case "no-runtimes":
		out.Runtimes = nil
	}
	return out
}

func (b *broken) Validate(config []byte) error {
	switch b.mode {
	case "any-config":
		return nil
	case "vague-config":
		if b.Class.Validate(config) != nil {
			return fmt.Errorf("bad configuration")
		}
	case "no-defaults":
		return fmt.Errorf("the field model is required")
	case "keeps-validated":
		b.spoilt = b.Class.Validate(config) != nil || b.spoilt
	}
	return b.Class.Validate(config)
}

func (b *broken) Configure(config []byte) error {
	if b.mode == "any-config" {
		return nil
	}
	if b.mode == "configured-once" {
		if b.spoilt {
			return fmt.Errorf("configured already")
		}
		b.spoilt = true
	}
	return b.Class.Configure(config)
}

func (b *broken) StartWorker(ctx context.Context, o worker.StartOptions) (sdk.RunningWorker, error) {
	switch b.mode {
	case "keeps-validated":
		if b.spoilt {
			return nil, fmt.Errorf("it has the configuration that Validate refused")
		}
	case "noisy-stdout":
		_, _ = unix.Write(b.stdout, []byte("worker starts\n"))
	case "leaves-files":
		_, _ = os.CreateTemp("", "cache")
	case "leaves-children":
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
	case "dies-of-pipes":
		signal.Reset(unix.SIGPIPE)
	case "never-joins":
		return &pretender{done: make(chan struct{})}, nil
	case "waits-for-ever":
		o.DeathTimeout = 0
		ctx = context.WithoutCancel(ctx)
	case "two-slots":
		o.NThreads = 2
	}
	r, err := b.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	if b.mode == "stops-never" {
		return stubborn{r}, nil
	}
	return r, nil
}

// stubborn is a worker that does not stop.
type stubborn struct{ *worker.Running }

func (stubborn) Stop(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s stubborn) Drain(ctx context.Context) error { return s.Stop(ctx, "") }

// pretender is a worker that says it is there and is not.
type pretender struct{ done chan struct{} }

func (*pretender) Name() string                       { return "suite-worker" }
func (*pretender) Address() string                    { return "tcp://127.0.0.1:1" }
func (*pretender) Pid() int                           { return os.Getpid() }
func (p *pretender) Done() <-chan struct{}            { return p.done }
func (*pretender) Err() error                         { return nil }
func (*pretender) Drain(context.Context) error        { return nil }
func (*pretender) Stop(context.Context, string) error { return nil }
