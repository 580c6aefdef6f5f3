package gdask

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// Topics of what tasks say to people, as in Dask.
const (
	topicPrint = "print"
	topicWarn  = "warn"
)

// Print has all clients, Go and Python, print a line from inside of a task, in the
// format of fmt.Sprintln. Outside of tasks it prints here.
func Print(ctx context.Context, args ...any) error {
	line := strings.TrimSuffix(fmt.Sprintln(args...), "\n")
	if worker.FromContext(ctx) == nil {
		_, err := fmt.Fprintln(os.Stdout, line)
		return err
	}
	return LogEvent(ctx, map[string]any{"args": []string{line}, "sep": " ", "end": "\n", "flush": true}, topicPrint)
}

// Warn has all clients, Go and Python, warn of something from inside of a task, in
// the format of fmt.Sprintln. Outside of tasks it warns here.
func Warn(ctx context.Context, args ...any) error {
	line := strings.TrimSuffix(fmt.Sprintln(args...), "\n")
	if worker.FromContext(ctx) == nil {
		_, err := fmt.Fprintln(os.Stderr, line)
		return err
	}
	return LogEvent(ctx, line, topicWarn)
}

// printer writes what tasks print and warn of, until the client is closed.
func (c *Client) printer(ctx context.Context, stdout, stderr io.Writer) error {
	c.prints = new(sync.WaitGroup)
	life := context.WithoutCancel(ctx) // the end of the client is theirs
	var mu sync.Mutex
	for topic, w := range map[string]io.Writer{topicPrint: stdout, topicWarn: stderr} {
		s, err := c.core.Subscribe(topic)
		if err != nil {
			return err
		}
		c.prints.Go(func() {
			for {
				e, err := s.Next(life)
				if err != nil {
					return
				}
				other, text := printed(e)
				to := w
				if other {
					to = stderr
				}
				mu.Lock()
				_, _ = io.WriteString(unforwarded(to), text) // as fmt.Print: nobody can be told
				mu.Unlock()
			}
		})
	}
	return nil
}

// printed is the text of a print or warn event, and whether it is for the error
// stream although it was printed.
func printed(e client.TopicEvent) (stderr bool, text string) {
	v, err := task.DecodeValue(e.Msg, nil)
	if err != nil {
		return false, fmt.Sprintf("(%s: %v)\n", e.Topic, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return false, fmt.Sprintln(v)
	}
	if message, ok := m["message"].([]byte); ok {
		return false, "warning: " + client.PickledText(message) + "\n"
	}
	args, _ := m["args"].([]any)
	words := make([]string, len(args))
	for i := range args {
		words[i] = fmt.Sprint(args[i])
	}
	return m["file"] == 2, strings.Join(words, textOr(m["sep"], " ")) + textOr(m["end"], "\n")
}

func textOr(v any, absent string) string {
	if s, ok := v.(string); ok {
		return s
	}
	return absent
}
