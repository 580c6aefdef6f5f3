package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/gdask/gdask/core/secrets"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, s Sources) *Loaded {
	t.Helper()
	l, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDefaultsAreValidAndRoundTrip(t *testing.T) {
	l := load(t, Sources{})
	d := Default()
	if got, want := l.Config.Distributed.Scheduler, d.Distributed.Scheduler; !reflect.DeepEqual(got, want) {
		t.Errorf("defaults came out as %+v, want %+v", got, want)
	}
	if l.Config.Cluster.NWorkers != nil || l.Config.Cluster.MemoryLimit != "auto" || l.Origin("log-level") != "default" {
		t.Errorf("defaults: %+v", l.Config.Cluster)
	}
}

// TestLayers sets one key in every layer, from low to high.
func TestLayers(t *testing.T) {
	dir := t.TempDir()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.String("saturation", "", "")
	s := Sources{DaskDirs: []string{dir + "/dask"}, SystemDir: dir + "/etc", UserDir: dir + "/home",
		Flags: flags, FlagKeys: map[string]string{"saturation": "distributed.scheduler.worker-saturation"}}
	expect := func(want float64, origin string) {
		t.Helper()
		l := load(t, s)
		got, from := l.Config.Distributed.Scheduler.WorkerSaturation, l.Origin("distributed.scheduler.worker-saturation")
		if got != want || from != origin {
			t.Errorf("worker-saturation is %v from %q, want %v from %q", got, from, want, origin)
		}
	}
	expect(1.1, "default")
	f := write(t, dir+"/dask/distributed.yaml", "distributed: {scheduler: {worker-saturation: 2}}")
	expect(2, "file "+f)
	s.Env = append(s.Env, "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION=3")
	expect(3, "variable DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION")
	f = write(t, dir+"/etc/gdask.yaml", "distributed: {scheduler: {worker_saturation: 4}}")
	expect(4, "file "+f)
	f = write(t, dir+"/home/b.yaml", "distributed: {scheduler: {worker-saturation: 5.5}}")
	expect(5.5, "file "+f)
	f = write(t, dir+"/x.json", `{"distributed": {"scheduler": {"worker-saturation": 6}}}`)
	s.Files = []string{f}
	expect(6, "file "+f)
	s.Env = append(s.Env, "GDASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION=7")
	expect(7, "variable GDASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION")
	if err := flags.Set("saturation", "8"); err != nil {
		t.Fatal(err)
	}
	expect(8, "flag --saturation")
	s.Code = map[string]any{"distributed.scheduler.worker_saturation": 9}
	expect(9, "code")
}

func TestFileOfEverything(t *testing.T) {
	path := write(t, t.TempDir()+"/all.yaml", `
worker_class: mycustom
protocol: tcp
cluster: { n_workers: 4, threads-per-worker: 2, memory_limit: 2GiB, processes: true }
plugins:
  dirs: [/opt/gdask/plugins]
  strict: true
  worker:
    mycustom:
      cmd: /opt/x/gdask-plugin-worker-mycustom
      args: [--fast]
      checksum: sha256:`+strings.Repeat("ab", 32)+`
      env: { FOO_BAR: baz, A_TOKEN: hush }
      env_passthrough: [CUDA_VISIBLE_DEVICES]
      run: process
      mtls: auto
      start_timeout: 10s
      restart: { policy: on-failure, max: 5, window: 1 minute }
      config: { model_size: small, n: 3 }
distributed:
  scheduler: { worker-ttl: null, idle-timeout: 5 minutes, work-stealing: true, worker-saturation: .inf }
  worker: { resources: { GPU: 2 }, multiprocessing-method: fork }
`)
	l := load(t, Sources{Files: []string{path}})
	c := l.Config
	p := c.Plugins.Worker["mycustom"]
	switch {
	case c.WorkerClass != "mycustom" || *c.Cluster.NWorkers != 4 || !*c.Cluster.Processes || !c.Plugins.Strict:
		t.Errorf("top: %+v", c)
	case p.Env["FOO_BAR"] != "baz" || p.Config["model_size"] != "small" || p.Config["n"] != 3:
		t.Errorf("free keys were changed: %+v", p)
	case p.StartTimeout != Duration(10*time.Second) || p.Restart.Window != Duration(time.Minute) || p.Restart.Max != 5:
		t.Errorf("amounts: %+v", p)
	case c.Distributed.Scheduler.WorkerTTL != 0 || c.Distributed.Scheduler.IdleTimeout != Duration(5*time.Minute):
		t.Errorf("durations: %+v", c.Distributed.Scheduler)
	case c.Distributed.Worker.Resources["GPU"] != 2:
		t.Errorf("resources: %+v", c.Distributed.Worker)
	case !c.Distributed.Scheduler.WorkStealing || len(l.Notes) != 1:
		t.Errorf("notes on Dask's keys without effect: %q", l.Notes)
	}
	var out bytes.Buffer
	if err := l.Print(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hush") || !strings.Contains(out.String(), "A_TOKEN: <redacted>") {
		t.Errorf("secret printed:\n%s", &out)
	}
	if !strings.Contains(out.String(), "# file "+path) || !strings.Contains(out.String(), "# default") {
		t.Errorf("no origins:\n%s", &out)
	}
	printed := strings.ReplaceAll(out.String(), secrets.Redacted, `"x"`)
	again := load(t, Sources{Files: []string{write(t, t.TempDir()+"/again.yaml", printed)}})
	if !reflect.DeepEqual(again.Config.Distributed.Scheduler, c.Distributed.Scheduler) || *again.Config.Cluster.NWorkers != 4 {
		t.Errorf("what is printed does not read back:\n%s", printed)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		env  string
		want []string
	}{
		"top":         {yaml: "worker-clas: x", want: []string{"/c.yaml", `"worker-clas"; did you mean "worker-class"?`}},
		"nested":      {yaml: "cluster: {n_wrokers: 3}", want: []string{`"cluster.n-wrokers"; did you mean "cluster.n-workers"?`}},
		"plugin":      {yaml: "plugins: {worker: {a: {cdm: /x}}}", want: []string{`did you mean "plugins.worker.a.cmd"?`}},
		"dask":        {yaml: "distributed: {scheduler: {worker-saturatoin: 1}}", want: []string{`did you mean "distributed.scheduler.worker-saturation"?`}},
		"dask deep":   {yaml: "distributed: {worker: {memory: {pauze: 1}}}", want: []string{`did you mean "distributed.worker.memory.pause"?`}},
		"no guess":    {yaml: "zzz: 1", want: []string{"here are: cluster, distributed, log-level, plugins, protocol, scheduler, temporary-directory, worker-class"}},
		"all of them": {yaml: "zzz: 1\nprotocoll: x", want: []string{"zzz", `did you mean "protocol"?`}},
		"scalar":      {yaml: "cluster: 3", want: []string{`"cluster" is 3 (int); it must be a mapping`}},
		"type":        {yaml: "cluster: {n-workers: many}", want: []string{"/c.yaml", "n-workers", "no whole number"}},
		"bool":        {yaml: "cluster: {n-workers: true}", want: []string{"no whole number"}},
		"unit":        {yaml: "distributed: {scheduler: {idle-timeout: 3 moons}}", want: []string{"idle-timeout", `unknown unit "moons"`}},
		"twice":       {yaml: "worker-class: a\nworker_class: b", want: []string{"given twice"}},
		"yaml":        {yaml: "a: [", want: []string{"/c.yaml"}},
		"variable":    {env: "GDASK_CLUSTER__N_WROKERS=1", want: []string{"n-wrokers", "did you mean"}},
		"near":        {env: "GDASK_WORKER_CLAS=1", want: []string{"GDASK_WORKER_CLASS"}},
		"watchdog":    {yaml: "scheduler: {watchdog: 1s}", want: []string{"scheduler.watchdog is 1s; give 5s or more, or 0"}},
		"dumps":       {yaml: "scheduler: {dump-directory: here}", want: []string{"scheduler.dump-directory", "absolute path"}},
		"logs":        {yaml: "distributed: {admin: {log-length: 0}}", want: []string{"distributed.admin.log-length is 0; give 1 or more"}},
		"manager":     {yaml: "distributed: {scheduler: {active-memory-manager: {measure: rss, interval: 0}}}", want: []string{"active-memory-manager.measure", "optimistic", "start: false"}},
		"policy":      {yaml: "distributed: {scheduler: {active-memory-manager: {policies: [{class: mine}]}}}", want: []string{`"mine"`, "ReduceReplicas"}},
		"policy args": {yaml: "distributed: {scheduler: {active-memory-manager: {policies: [{class: a, n: 1}]}}}", want: []string{"arguments"}},
		"rebalance":   {yaml: "distributed: {worker: {memory: {rebalance: {sender-min: 2}}}}", want: []string{"rebalance.sender-min is 2"}},
		"old":         {yaml: "distributed: {worker: {memory: {recent-to-old-time: 0}}}", want: []string{"recent-to-old-time"}},
		"guess":       {yaml: "distributed: {scheduler: {default-task-durations: {f: 0}}}", want: []string{"default-task-durations.f"}},
		"stealing":    {yaml: "distributed: {scheduler: {work-stealing-interval: 0s}}", want: []string{"work-stealing-interval", "work-stealing: false"}},
		"values": {yaml: "log-level: lout\ncluster: {n-workers: -1, memory-limit: abc}\nplugins: {dirs: [x], worker: {A: {cmd: y, run: z}}}",
			want: []string{"log-level", "cluster.n-workers is -1", `unknown unit "abc"`, `"x"`, "plugins.worker.A:", "absolute path", ".run is"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Sources{Env: []string{c.env}}
			if c.yaml != "" {
				s.Files = []string{write(t, t.TempDir()+"/c.yaml", c.yaml)}
			}
			l, err := Load(s)
			if err == nil {
				t.Fatalf("accepted as %+v", l.Config)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error lacks %q:\n%v", w, err)
				}
			}
		})
	}
}

// TestDaskIsReadLeniently: what other libraries and newer versions write in
// Dask's files is none of our business, wrong types of keys that we use are.
func TestDaskIsReadLeniently(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/d.yaml", "array: {chunk-size: 1}\ndistributed: {brand-new: 1, scheduler: {newer: 2, allowed-failures: 7}}")
	l := load(t, Sources{DaskDirs: []string{dir}, Env: []string{"DASK_ARRAY__X=1", "DASK_DISTRIBUTED__WORKER__NEW=2", "DASK_CONFIG=y"}})
	if l.Config.Distributed.Scheduler.AllowedFailures != 7 || len(l.Notes) != 0 {
		t.Errorf("%+v, notes %q", l.Config.Distributed.Scheduler, l.Notes)
	}
	write(t, dir+"/d.yaml", "distributed: {scheduler: {allowed-failures: often}}")
	if _, err := Load(Sources{DaskDirs: []string{dir}}); err == nil || !strings.Contains(err.Error(), "d.yaml") {
		t.Errorf("wrong type in Dask's file: %v", err)
	}
}

func TestVariables(t *testing.T) {
	l := load(t, Sources{Env: []string{
		"GDASK_WORKER_CLASS=mycustom", "GDASK_CLUSTER__N_WORKERS=3", "GDASK_PLUGINS__DIRS=/a,/b", "GDASK_CLUSTER__MEMORY_LIMIT=0.5",
		"GDASK_PLUGIN=worker", "GDASK_PLUGIN_NAME=x", "GDASK_PLUGIN_PATH=/p", "GDASK_RUN_DIR=/r", "OTHER=1", "GDASK_DISTRIBUTED__WORKER__RESOURCES={GPU: 1}",
	}})
	c := l.Config
	if c.WorkerClass != "mycustom" || *c.Cluster.NWorkers != 3 || strings.Join(c.Plugins.Dirs, ":") != "/a:/b" || c.Cluster.MemoryLimit != "0.5" {
		t.Errorf("%+v", c)
	}
	if l.Origin("worker-class") != "variable GDASK_WORKER_CLASS" {
		t.Errorf("origin %q", l.Origin("worker-class"))
	}
}

func TestMemoryTerminate(t *testing.T) {
	const variable = "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE="
	for _, c := range []struct {
		yaml, env string
		want      float64
		err       string
	}{
		{want: 0.95},
		{yaml: "terminate: 0.5", want: 0.5},
		{yaml: "terminate: 1", want: 1},
		{yaml: "terminate: false", want: 0},
		{yaml: "terminate: 0", want: 0},
		{yaml: "terminate: null", want: 0.95},
		{yaml: "target: 0.6, monitor-interval: 1s", want: 0.95},
		{env: variable + "0.7", want: 0.7},
		{env: variable + "False", want: 0},
		{yaml: "terminate: 1.2", err: "distributed.worker.memory.terminate is 1.2; give a fraction"},
		{yaml: "terminate: -1", err: "distributed.worker.memory.terminate is -1; give a fraction"},
		{yaml: "terminate: true", err: `"true" (bool) is neither a number nor false`},
		{yaml: "terminate: often", err: `"often" (string) is neither a number nor false`},
	} {
		s := Sources{Env: []string{c.env}, Files: []string{write(t, t.TempDir()+"/c.yaml", "distributed: {worker: {memory: {"+c.yaml+"}}}")}}
		l, err := Load(s)
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.yaml, err, c.err)
			}
			continue
		case err != nil:
			t.Errorf("%s%s: %v", c.yaml, c.env, err)
			continue
		}
		if got := l.Config.Distributed.Worker.Memory.Terminate; float64(got) != c.want {
			t.Errorf("%s%s: terminate is %v, want %v", c.yaml, c.env, got, c.want)
		}
		var out bytes.Buffer
		if err := l.Print(&out); err != nil {
			t.Fatal(err)
		}
		again := load(t, Sources{Files: []string{write(t, t.TempDir()+"/again.yaml", out.String())}})
		if again.Config.Distributed.Worker.Memory != l.Config.Distributed.Worker.Memory {
			t.Errorf("%s: what is printed does not read back:\n%s", c.yaml, &out)
		}
	}
}

func TestUsualPlaces(t *testing.T) {
	s := FromEnvironment([]string{"HOME=/h", "DASK_CONFIG=/d", "GDASK_CONFIG=/g.yaml"})
	if got := strings.Join(s.DaskDirs, " "); got != "/etc/dask /h/.config/dask /d" || s.UserDir != "/h/.config/gdask" || s.Files[0] != "/g.yaml" {
		t.Errorf("%+v", s)
	}
	if s = FromEnvironment([]string{"HOME=/h", "XDG_CONFIG_HOME=/x", "DASK_ROOT_CONFIG=/r"}); s.UserDir != "/x/gdask" || s.DaskDirs[0] != "/r" {
		t.Errorf("%+v", s)
	}
	if _, err := Load(Sources{Files: []string{"/does/not/exist.yaml"}}); err == nil {
		t.Error("a missing file that was asked for is no error")
	}
}

func FuzzLoadFile(f *testing.F) {
	for _, s := range []string{"worker-class: x", "cluster: {n-workers: 1}", "plugins: {worker: {a: null}}", "a: [", "distributed: {scheduler: null}", "- 1", "cluster: {n-workers: null}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, t.TempDir()+"/f.yaml", text)
		if l, err := Load(Sources{Files: []string{path}}); err == nil {
			if err := l.Print(&bytes.Buffer{}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestLifeOfWorkers(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir+"/c.yaml", `
distributed:
  worker:
    preload: [warm-up, /opt/x]
    preload-argv: [--fast]
    blocked_handlers: [run]
    lifetime: {duration: 1 hour, stagger: 5 minutes, restart: true}
  nanny:
    environ: {COLOUR: blue, N: 3}
    pre-spawn-environ: {OMP_NUM_THREADS: 4}
  scheduler:
    blocked-handlers: run_function
`)
	c := load(t, Sources{Files: []string{file}}).Config.Distributed
	l := Lifetime{Duration(time.Hour), Duration(5 * time.Minute), true}
	if c.Worker.Lifetime != l || strings.Join(c.Worker.Preload, " ") != "warm-up /opt/x" || c.Worker.PreloadArgv[0] != "--fast" || c.Worker.BlockedHandlers[0] != "run" {
		t.Errorf("worker: %+v", c.Worker)
	}
	if c.Nanny.Environ["COLOUR"] != "blue" || c.Nanny.Environ["N"] != "3" || c.Nanny.PreSpawnEnviron["OMP_NUM_THREADS"] != "4" ||
		c.Nanny.PreSpawnEnviron["MALLOC_TRIM_THRESHOLD_"] != "65536" {
		t.Errorf("nanny: %+v", c.Nanny)
	}
	if len(c.Scheduler.BlockedHandlers) != 1 || c.Scheduler.BlockedHandlers[0] != "run_function" {
		t.Errorf("scheduler: %+v", c.Scheduler)
	}
	bad := write(t, dir+"/bad.yaml", "distributed: {worker: {lifetime: {duration: -1}}}")
	if _, err := Load(Sources{Files: []string{bad}}); err == nil || !strings.Contains(err.Error(), "lifetime") {
		t.Errorf("a negative lifetime: %v", err)
	}
}
