package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/pflag"

	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/worker"
)

func TestApportion(t *testing.T) {
	for name, c := range map[string]struct {
		worker, nanny string
		n             int
		want          []portPair
		err           string
	}{
		"nothing":          {"", "0", 2, []portPair{{}, {}}, ""},
		"one":              {"8000", "", 1, []portPair{{"8000", ""}}, ""},
		"ranges":           {"8000:8003", "9000:9001", 2, []portPair{{"8000:8001", "9000"}, {"8002:8003", "9001"}}, ""},
		"the same range":   {"8000:8003", "8000:8003", 2, []portPair{{"8000", "8002"}, {"8001", "8003"}}, ""},
		"uneven":           {"8000:8002", "", 2, []portPair{{"8000", ""}, {"8001:8002", ""}}, ""},
		"too few":          {"8000", "", 2, nil, "--worker-port has 1 ports for 2"},
		"too few for both": {"8000:8002", "8000:8002", 2, nil, "3 ports for 4 listeners"},
		"overlap":          {"8000:8010", "8005:8020", 2, nil, "overlap"},
		"no number":        {"a:b", "", 1, nil, `"a:b"`},
		"backwards":        {"", "9:8", 1, nil, "--nanny-port"},
		"beyond the last":  {"65535:65536", "", 1, nil, "65535"},
	} {
		got, err := apportion(c.worker, c.nanny, c.n)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// planned are the workers that a command line comes to.
func planned(t *testing.T, args ...string) (*workerPlan, *config.Config, error) {
	t.Helper()
	var o workerOptions
	a := &app{environ: environ(t)}
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	workerFlags(f)
	logFlag(f)
	o.flags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	l, err := a.load(f, workerKeys())
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.plan(&l.Config, "tcp://127.0.0.1:8786", hclog.NewNullLogger())
	return p, &l.Config, err
}

func TestWorkerFlags(t *testing.T) {
	p, c, err := planned(t, "--name=w", "--nworkers=2", "--nthreads=3", "--resources=GPU=2", "--memory-limit=1GiB", "--death-timeout=30",
		"--worker-port=8000:8003", "--lifetime=1 hour", "--lifetime-stagger=5m", "--lifetime-restart",
		"--preload=warm-up", "--preload-nanny=/x", "--preload-argv=a,b", "--dashboard-address=127.0.0.1:0", "--local-directory=/tmp/x")
	if err != nil {
		t.Fatal(err)
	}
	if l := lifetime(c); l != (plugins.Lifetime{Duration: time.Hour, Stagger: 5 * time.Minute, Restart: true}) {
		t.Errorf("lifetime %+v", l)
	}
	if n := nannySettings(c).Preload.Names; !reflect.DeepEqual(n, []string{"/x"}) {
		t.Errorf("preloads of the nanny %v", n)
	}
	if p.class != plugins.Subprocess || len(p.workers) != 2 {
		t.Fatalf("%d of %s", len(p.workers), p.class)
	}
	want := worker.StartOptions{
		Scheduler: "tcp://127.0.0.1:8786", Name: "w-1", NThreads: 3, MemoryLimit: 1 << 30, Resources: map[string]float64{"GPU": 2},
		LocalDirectory: "/tmp/x", DeathTimeout: 30 * time.Second, DashboardAddr: "127.0.0.1:0", ListenAddress: "tcp://127.0.0.1:8002:8003",
	}
	want.Preload.Names, want.Preload.Args = []string{"warm-up"}, []string{"a", "b"}
	got := p.workers[1]
	got.Memory, got.Tuning = nil, worker.Tuning{} // another test's matter
	if !reflect.DeepEqual(got, want) {
		t.Errorf("worker\n%+v, want\n%+v", got, want)
	}
}

func TestWorkerFlagsThatContradict(t *testing.T) {
	for says, args := range map[string][]string{
		"leave one of them out":     {"--no-nanny", "--nworkers=2"},
		"processes of their own":    {"--nanny=false", "--worker-class=mycustom"},
		"without --listen-address":  {"--contact-address=tcp://1.2.3.4:5"},
		"one address for 2 workers": {"--listen-address=tcp://127.0.0.1:5", "--nworkers=2"},
		"says it all":               {"--listen-address=tcp://127.0.0.1:5", "--worker-port=6"},
		"port":                      {"--listen-address=tcp://127.0.0.1"},
		`"soon"`:                    {"--death-timeout=soon"},
		"give at least 1":           {"--nworkers=0"},
		`"many"`:                    {"--nworkers=many"},
		"--nthreads is -1":          {"--nthreads=-1"},
	} {
		if _, _, err := planned(t, args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v does not say %q", args, err, says)
		}
	}
	for _, n := range []string{"auto", "-1"} {
		if p, _, err := planned(t, "--nworkers="+n); err != nil || len(p.workers) < 1 || p.workers[0].NThreads < 1 {
			t.Errorf("--nworkers=%s: %+v, %v", n, p, err)
		}
	}
	if p, _, err := planned(t, "--no-nanny"); err != nil || p.class != plugins.Threadpool {
		t.Errorf("--no-nanny: %+v, %v", p, err)
	}
}
