package gdask

import (
	"os"
	"testing"

	"github.com/gdask/gdask/sdk/hook"
)

// heardWorker counts what is forwarded.
type heardWorker struct {
	hook.Worker
	events chan any
}

func (w heardWorker) LogEvent(_ string, msg any) error { w.events <- msg; return nil }

// A client inside of a worker prints what tasks print. Were that forwarded as well,
// it would be printed again, and so on.
func TestWhatClientsPrintIsNotForwarded(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stream, w := in, heardWorker{events: make(chan any, 10)}
	f, err := forward(w, &stream, 1)
	if err != nil {
		t.Fatal(err)
	}
	if unforwarded(stream) != in || unforwarded(in) != in {
		t.Error("a client would print to what is forwarded")
	}
	if _, err := stream.WriteString("of a task\n"); err != nil {
		t.Fatal(err)
	}
	if got := (<-w.events).(map[string]any)["args"].([]any)[0]; got != "of a task\n" {
		t.Errorf("forwarded %q", got)
	}
	if err := (&forwarder{streams: [2]*forwarded{f}}).Teardown(t.Context(), w); err != nil || stream != in {
		t.Errorf("the stream is not back: %v", err)
	}
	_, _ = in.Close(), out.Close()
}
