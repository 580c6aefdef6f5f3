package gdask

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stands waits where a stack can show it, until it is cancelled.
var stands = Func[string]("standsHere", func(ctx context.Context, mark string) (string, error) {
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		return "", err
	}
	return "", standsHere(ctx)
})

func standsHere(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// there waits for a file that a task writes.
func there(t *testing.T, ctx context.Context, path string) {
	t.Helper()
	if err := appears(ctx, path); err != nil {
		t.Fatalf("%s did not appear: %v", path, err)
	}
}

// appears waits for a file: what another process does is known by nothing else.
func appears(ctx context.Context, path string) error {
	for {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func TestOperations(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			t.Run("story", func(t *testing.T) { storyTold(t, ctx, c) })
			t.Run("call stack", func(t *testing.T) { stacksShown(t, ctx, c) })
			t.Run("explain", func(t *testing.T) { explained(t, ctx, c) })
			t.Run("logs", func(t *testing.T) { logsShown(t, ctx, c) })
			t.Run("versions", func(t *testing.T) { versionsTold(t, ctx, c) })
			t.Run("dump", func(t *testing.T) { dumped(t, ctx, c) })
			t.Run("report", func(t *testing.T) { reported(t, ctx, c) })
			t.Run("scheduler file", func(t *testing.T) { fileWritten(t, ctx, c) })
		})
	}
}

func storyTold(t *testing.T, ctx context.Context, c *Client) {
	f := inc.Submit(c, 41)
	if _, err := f.Result(ctx); err != nil {
		t.Fatal(err)
	}
	rows, err := c.Story(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	where := map[string]bool{}
	for i, r := range rows {
		where[r.Where] = true
		fmt.Fprintln(&text, r)
		if r.Key != f.Key() || i > 0 && r.Time.Before(rows[i-1].Time) {
			t.Errorf("row %d: %v", i, r)
		}
	}
	for _, want := range []string{"scheduler " + f.Key() + ": released > waiting (update-graph)", "processing > memory (task-finished)", "ready > executing", "executing > memory (run-ended)"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if len(where) != 2 {
		t.Errorf("told by %v", where)
	}
	if by, err := c.Story(ctx, "run-ended"); err != nil || len(by) == 0 {
		t.Errorf("by stimulus: %v, %v", by, err)
	}
	if _, err := c.Story(ctx); err == nil {
		t.Error("a story of nothing")
	}
	if _, err := c.Story(ctx, 7); err == nil || !strings.Contains(err.Error(), "Story got a int") {
		t.Error(err)
	}
}

func stacksShown(t *testing.T, ctx context.Context, c *Client) {
	mark := filepath.Join(t.TempDir(), "mark")
	f := stands.Submit(c, mark)
	defer f.Cancel()
	there(t, ctx, mark)
	for name, tasks := range map[string][]any{"by future": {f}, "by key": {f.Key()}, "all": nil} {
		stacks, err := c.CallStack(ctx, tasks...)
		if err != nil || len(stacks) != 1 || stacks[0].Key != f.Key() || !strings.Contains(stacks[0].Stack[0], "standsHere") {
			t.Errorf("%s: %v, %v", name, stacks, err)
		}
	}
	if _, err := c.CallStack(ctx, "no-such-key"); err == nil || !strings.Contains(err.Error(), "no-such-key") {
		t.Error(err)
	}
}

func explained(t *testing.T, ctx context.Context, c *Client) {
	mark := filepath.Join(t.TempDir(), "mark")
	f := stands.Submit(c, mark)
	defer f.Cancel()
	there(t, ctx, mark)
	why, err := c.Explain(ctx, f, "standsHere-ot")
	if err != nil || len(why) != 2 || !strings.Contains(why[f.Key()][0], "is processing on") || !strings.Contains(why["standsHere-ot"][0], "is unknown") {
		t.Errorf("%v, %v", why, err)
	}
}

func logsShown(t *testing.T, ctx context.Context, c *Client) {
	lines, err := c.SchedulerLogs(ctx, 2)
	if err != nil || len(lines) != 2 || lines[0].Level == "" {
		t.Errorf("%v, %v", lines, err)
	}
	logs, err := c.WorkerLogs(ctx, LogQuery{N: 1})
	if err != nil || len(logs) != 2 {
		t.Fatalf("%v, %v", logs, err)
	}
	all := c.own.Logs()
	for address, l := range logs {
		if len(l) != 1 || !strings.Contains(l[0].Text, " - ") {
			t.Errorf("%s: %v", address, l)
		}
		if len(all[address]) == 0 || all["Scheduler"] == nil || all["Cluster"] == nil {
			t.Errorf("logs of the cluster: %v", all)
		}
		some, err := c.WorkerLogs(ctx, LogQuery{Workers: []string{address}})
		if err != nil || len(some) != 1 {
			t.Errorf("%v, %v", some, err)
		}
	}
}

func versionsTold(t *testing.T, ctx context.Context, c *Client) {
	v, err := c.Versions(ctx)
	if err != nil || len(v.Workers) != 2 {
		t.Fatalf("%v, %v", v, err)
	}
	roles := []map[string]any{v.Client, v.Scheduler}
	for _, w := range v.Workers {
		roles = append(roles, w)
	}
	for _, r := range roles {
		if packages, _ := r["packages"].(map[string]any); packages["go"] == nil || r["host"] == nil {
			t.Errorf("%v", r)
		}
	}
}

func dumped(t *testing.T, ctx context.Context, c *Client) {
	f := inc.Submit(c, 1)
	if _, err := f.Result(ctx); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name, err := c.DumpClusterState(ctx, filepath.Join(dir, "d.json"), DumpOptions{})
	if err != nil || name != filepath.Join(dir, "d.json") {
		t.Fatal(name, err)
	}
	b, err := os.ReadFile(name)
	if err != nil || strings.Count(string(b), `"`+f.Key()+`": {`) != 2 || !strings.Contains(string(b), `"transition_log"`) {
		t.Errorf("%v in\n%s", err, b)
	}
	if _, err := c.DumpClusterState(ctx, "d", DumpOptions{OnScheduler: true}); err == nil || !strings.Contains(err.Error(), "scheduler.dump-directory") {
		t.Error(err)
	}
}

func reported(t *testing.T, ctx context.Context, c *Client) {
	stream, err := c.StartTaskStream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	err = c.PerformanceReport(ctx, file, func(ctx context.Context) error {
		a := inc.With(Options{Impure: true, Workers: []string{"0"}}).Submit(c, 1)
		b := inc.With(Options{Impure: true, Workers: []string{"1"}}).Submit(c, 2)
		_, err := add.With(Options{Impure: true}).Submit(c, a, b).Result(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(html), "<rect ") || !strings.Contains(string(html), "PerformanceReport(ctx, file") {
		t.Errorf("%v in\n%s", err, html)
	}
	runs, err := stream.Runs(ctx)
	if err != nil || len(runs) != 3 {
		t.Fatalf("%v, %v", runs, err)
	}
	if p := runs[2].Phases; len(p) != 2 || p[0].Action != "transfer" || p[0].Source == "" || p[0].Source == runs[2].Worker {
		t.Errorf("the transfer is not told: %+v", p)
	}
	for _, r := range runs {
		p := r.Phases[len(r.Phases)-1]
		if r.Erred || r.Worker == "" || r.Type != "int" || p.Action != "compute" || p.Stop.Before(p.Start) || p.Start.IsZero() {
			t.Errorf("%+v", r)
		}
	}
}

func fileWritten(t *testing.T, ctx context.Context, c *Client) {
	path := filepath.Join(t.TempDir(), "scheduler.json")
	found := make(chan error, 1)
	if strings.HasPrefix(c.SchedulerAddress(), "inproc") {
		found <- nil // nobody else can connect, but the file is written
	} else {
		go func() { // before there is a file
			other, err := NewClient(ctx, ClientOptions{SchedulerFile: path, NotDefault: true})
			if err == nil {
				err = other.WriteSchedulerFile(ctx, path+"2")
				if err == nil || !strings.Contains(err.Error(), "already") {
					t.Errorf("a client from a file wrote another: %v", err)
				}
				err = other.Close()
			}
			found <- err
		}()
	}
	if err := c.WriteSchedulerFile(ctx, path); err != nil {
		t.Fatal(err)
	}
	if err := <-found; err != nil {
		t.Error(err)
	}
	if err := c.WriteSchedulerFile(ctx, path); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("the second file: %v", err)
	}
	info, err := c.SchedulerInfo(ctx)
	if err != nil || info["type"] != "Scheduler" || info["address"] != c.SchedulerAddress() {
		t.Errorf("%v, %v", info, err)
	}
}

func TestSchedulerFileThatNeverComes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.json")
	_, err := NewClient(t.Context(), ClientOptions{SchedulerFile: path, Timeout: 30 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "scheduler file "+path) || !strings.Contains(err.Error(), "--scheduler-file") {
		t.Error(err)
	}
	if _, err := NewClient(t.Context(), "tcp://127.0.0.1:1", ClientOptions{SchedulerFile: path}); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Error(err)
	}
}
