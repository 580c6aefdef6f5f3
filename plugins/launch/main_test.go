package launch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

// helperEnv makes this test binary a plugin that misbehaves in one way.
const helperEnv = "LAUNCH_TEST_HELPER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperEnv); mode != "" {
		helper(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// helper is a plugin process; most modes do one bad thing and then serve.
func helper(mode string) {
	switch mode {
	case "noise":
		fmt.Println("hello from an init function")
		_, _ = os.Stdout.Write(bytes.Repeat([]byte("x"), 70<<10))
	case "notaplugin":
		fmt.Println("I am a web server")
		fmt.Fprintln(os.Stderr, "listening on :80")
		return
	case "silent":
		forever := make(chan os.Signal, 1)
		signal.Notify(forever, syscall.SIGHUP)
		<-forever
	case "crash":
		panic("boom at start")
	case "host":
		host()
		return
	}
	sdk.Serve(&class{mode: mode})
}

// host is a host in a process of its own: it starts a plugin, prints its process
// id and waits to be killed.
func host() {
	dir, err := NewRunDir(os.Getenv("LAUNCH_TEST_BASE"))
	if err == nil {
		var p *Process
		env := append(os.Environ(), helperEnv+"=grandchild")
		p, err = Start(context.Background(), Spec{Kind: "worker", Name: "child", Env: env, Dir: dir, Logger: hclog.NewNullLogger()})
		if err == nil {
			var r *workerv1.StartResponse
			r, err = startWorker(context.Background(), p)
			fmt.Println(p.Pid(), r.GetName(), dir.Path())
		}
	}
	if err != nil {
		fmt.Println(err)
	}
	select {}
}

// class is a worker class without workers.
type class struct{ mode string }

func (c *class) Kind() string              { return "worker" }
func (c *class) Name() string              { return "helper" }
func (c *class) Describe() sdk.Description { return sdk.Description{Version: "1.2.3"} }
func (c *class) Validate([]byte) error     { return nil }
func (c *class) Configure([]byte) error    { return nil }

// StartWorker does the bad things that need a running plugin.
func (c *class) StartWorker(_ context.Context, o worker.StartOptions) (sdk.RunningWorker, error) {
	name := ""
	switch c.mode {
	case "longline":
		line := bytes.Repeat([]byte("x"), 70<<10)
		_, _ = os.NewFile(1, "raw").Write(append(line, '\n')) // on the true descriptor, past go-plugin
	case "badjson":
		raw := os.NewFile(2, "raw")
		_, _ = raw.WriteString(`{"@message": 5, "@level": ["x"], "@timestamp": {}}` + "\n")
		_, _ = raw.WriteString(`{"@message": "good", "@level": "warn", "n": 1}` + "\n")
	case "grandchild", "escaped":
		name = grandchild(c.mode == "escaped")
	case "prints":
		fmt.Println("on standard output")
		fmt.Fprintln(os.Stderr, "on standard error")
	case "panic":
		panic("boom in start")
	case "env":
		name = environment()
	case "fds":
		name = descriptors()
	case "signals":
		signal.Ignore(syscall.SIGTERM)
	case "exit":
		os.Exit(7)
	}
	return &fake{name: name, done: make(chan struct{})}, nil
}

// grandchild starts a process that holds our standard error and returns its id.
func grandchild(escape bool) string {
	cmd := exec.Command("sleep", "1000")
	cmd.Stderr = os.NewFile(2, "raw")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: escape}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func environment() string {
	js, _ := json.Marshal(os.Environ())
	return string(js)
}

// descriptors lists what the process has open, with its standard input.
func descriptors() string {
	var out []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		to, _ := os.Readlink("/proc/self/fd/" + e.Name())
		out = append(out, e.Name()+"="+to)
	}
	return strings.Join(out, " ")
}

// fake is a worker that does nothing.
type fake struct {
	name string
	done chan struct{}
}

func (f *fake) Name() string                { return f.name }
func (f *fake) Address() string             { return "tcp://127.0.0.1:1" }
func (f *fake) Pid() int                    { return os.Getpid() }
func (f *fake) Done() <-chan struct{}       { return f.done }
func (f *fake) Err() error                  { return nil }
func (f *fake) Drain(context.Context) error { return nil }
func (f *fake) Stop(context.Context, string) error {
	select {
	case <-f.done:
	default:
		close(f.done)
	}
	return nil
}
