package gdask

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

var talk = Func[int]("talk", func(ctx context.Context, topic string) (int, error) {
	if err := LogEvent(ctx, map[string]any{"from": "a task"}, topic, topic+" too"); err != nil {
		return 0, err
	}
	if err := Print(ctx, "hello", 42); err != nil {
		return 0, err
	}
	return 0, Warn(ctx, "careful")
})

var logs = Func[int]("logs", func(ctx context.Context, text string) int {
	Logger(ctx).Warn(text, "answer", 42)
	return 0
})

// lines is a writer that tests look into.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	grew chan struct{}
}

func newLines() *lines { return &lines{grew: make(chan struct{}, 100)} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.grew <- struct{}{}
	return l.text.Write(b)
}

func (l *lines) wait(t *testing.T, ctx context.Context, want string) {
	t.Helper()
	for {
		text := l.String()
		if strings.Contains(text, want) {
			return
		}
		select {
		case <-l.grew:
		case <-ctx.Done():
			t.Fatalf("%q was not written, but %q", want, text)
		}
	}
}

func TestSharedState(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			t.Run("datasets", func(t *testing.T) { datasets(t, ctx, c) })
			t.Run("metadata", func(t *testing.T) { sharedMetadata(t, ctx, c) })
			t.Run("topics", func(t *testing.T) { topicsOf(t, ctx, c) })
			t.Run("logging", func(t *testing.T) { forwardedLogs(t, ctx, c) })
			t.Run("print", func(t *testing.T) { prints(t, ctx, c) })
		})
	}
}

func datasets(t *testing.T, ctx context.Context, c *Client) {
	publisher, err := NewClient(ctx, c.SchedulerAddress(), ClientOptions{NotDefault: true})
	must(t, err)
	fs := add.Map(publisher, []int{1, 2, 3}, []int{10, 20, 30})
	must(t, publisher.Publish(ctx, "sums", AnyFutures(fs)...))
	if err := publisher.Publish(ctx, "sums", fs[0]); !errors.Is(err, ErrExists) || errors.Is(err, ErrNotFound) {
		t.Errorf("published twice: %v", err)
	}
	must(t, publisher.Publish(ctx, "other", fs[0]))
	must(t, publisher.Republish(ctx, "other", fs[2]))
	must(t, publisher.Close())
	if names, err := c.Datasets(ctx); err != nil || !slices.Equal(names, []string{"other", "sums"}) {
		t.Errorf("datasets %v, %v", names, err)
	}
	for name, want := range map[string][]int{"sums": {11, 22, 33}, "other": {33}} {
		got, err := Dataset[int](ctx, c, name)
		must(t, err)
		if vs, err := Gather(ctx, got); err != nil || !slices.Equal(vs, want) {
			t.Errorf("%s: %v, %v", name, vs, err)
		}
		must(t, c.Unpublish(ctx, name))
	}
	if _, err := Dataset[int](ctx, c, "sums"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	must(t, c.Unpublish(ctx, "sums"))
}

func sharedMetadata(t *testing.T, ctx context.Context, c *Client) {
	must(t, c.SetMetadata(ctx, 1, "a", "b"))
	must(t, c.SetMetadata(ctx, map[string]any{"d": []any{"x", 2}}, "a", "c"))
	if n, err := Metadata[int](ctx, c, "a", "b"); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	want := map[string]any{"b": 1, "c": map[string]any{"d": []any{"x", 2}}}
	if v, err := Metadata[any](ctx, c, "a"); err != nil || !reflect.DeepEqual(v, want) {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := Metadata[int](ctx, c, "a", "none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if err := c.SetMetadata(ctx, 1); err == nil {
		t.Error("no path is no error")
	}
}

func topicsOf(t *testing.T, ctx context.Context, c *Client) {
	s, err := c.Subscribe("topic")
	must(t, err)
	defer s.Close()
	must(t, c.LogEvent("hello", "topic", "unheard"))
	e, err := s.Next(ctx)
	must(t, err)
	if m, err := TopicMsg[string](e); m != "hello" || err != nil || time.Since(e.Time).Abs() > time.Hour {
		t.Errorf("event %q at %v, %v", m, e.Time, err)
	}
	if _, err := talk.With(Options{Impure: true}).Submit(c, "topic").Result(ctx); err != nil {
		t.Fatal(err)
	}
	for e, err := range s.All(ctx) {
		must(t, err)
		if m, err := TopicMsg[any](e); err != nil || !reflect.DeepEqual(m, map[string]any{"from": "a task"}) {
			t.Errorf("event %v, %v", m, err)
		}
		break
	}
	if es, err := c.TopicEvents(ctx, "topic"); err != nil || len(es) != 2 {
		t.Errorf("%d events, %v", len(es), err)
	}
	if es, err := c.TopicEvents(ctx, "topic too"); err != nil || len(es) != 1 {
		t.Errorf("%d events, %v", len(es), err)
	}
	s.Close()
	if _, err := s.Next(ctx); err == nil {
		t.Error("a closed subscription goes on")
	}
	if err := LogEvent(ctx, 1, "topic"); err == nil {
		t.Error("LogEvent outside of a task")
	}
}

func prints(t *testing.T, ctx context.Context, c *Client) {
	out, errs := newLines(), newLines()
	other, err := NewClient(ctx, c.SchedulerAddress(), ClientOptions{NotDefault: true, Stdout: out, Stderr: errs})
	must(t, err)
	must(t, other.LogEvent("typed by hand", "print")) // and the subscription is there
	out.wait(t, ctx, "typed by hand\n")
	if _, err := talk.With(Options{Impure: true}).Submit(c, "").Result(ctx); err != nil {
		t.Fatal(err)
	}
	out.wait(t, ctx, "hello 42\n")
	errs.wait(t, ctx, "careful\n")
	must(t, other.LogEvent(map[string]any{"args": []string{"a", "b"}, "sep": "-", "end": "!", "file": 2}, "print"))
	errs.wait(t, ctx, "a-b!")
	pickle := "\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07pickled\x94."
	must(t, other.LogEvent(map[string]any{"message": []byte(pickle), "category": []byte("N.")}, "warn"))
	errs.wait(t, ctx, "warning: pickled\n")
	must(t, other.Close())
}

func forwardedLogs(t *testing.T, ctx context.Context, c *Client) {
	out := newLines()
	stop, err := c.ForwardLogging(ctx, hclog.New(&hclog.LoggerOptions{Output: out, Level: hclog.Warn}))
	must(t, err)
	_, err = logs.Submit(c, "seen here").Result(ctx)
	must(t, err)
	out.wait(t, ctx, "[WARN]  seen here answer=42: logger=")
	must(t, c.Cluster().(*LocalCluster).Scale(3)) // one that joins later does the same
	must(t, c.WaitForWorkers(ctx, 3))
	info, err := c.core.SchedulerInfo(ctx)
	must(t, err)
	for address := range info["workers"].(map[string]any) {
		_, err = logs.With(Options{Workers: []string{address}}).Submit(c, "on "+address).Result(ctx)
		must(t, err)
		out.wait(t, ctx, "on "+address+" answer=42: logger=")
	}
	must(t, stop(ctx))
	_, err = logs.Submit(c, "not seen").Result(ctx)
	must(t, err)
	Logger(ctx).Error("goes nowhere")
	published, err := c.TopicEvents(ctx, "forwarded-log-record-forward-logging-<root>")
	must(t, err)
	for _, e := range published {
		record, err := TopicMsg[map[string]any](e)
		must(t, err)
		if text, _ := record["msg"].(string); strings.Contains(text, "not seen") {
			t.Errorf("still published: %v", record)
		}
	}
	if len(published) < 4 {
		t.Errorf("only %d lines were published", len(published))
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
