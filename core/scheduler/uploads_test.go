package scheduler

import (
	"context"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// libraryReader is a graph reader that takes uploads.
type libraryReader struct{ got []string }

func (*libraryReader) Read(context.Context, *wire.UpdateGraph) ([]wire.TaskDef, error) {
	return nil, nil
}

func (r *libraryReader) Upload(pickle []byte) error {
	r.got = append(r.got, string(pickle))
	return nil
}

func TestUploadedFilesReachTheGraphReader(t *testing.T) {
	r := &libraryReader{}
	s := start(t, func(set *Settings) { set.GraphReader = r })
	plugin := func(pickle string) field {
		o := wire.BytesOpaque([]byte(pickle))
		return field{"plugin", &o}
	}
	upload := "cdistributed.diagnostics.plugin\nSchedulerUploadFile\n..."
	mustAsk(t, s, "register_scheduler_plugin", field{"name", "file"}, plugin(upload), field{"idempotent", false})
	if len(r.got) != 1 || r.got[0] != upload {
		t.Errorf("the reader got %q", r.got)
	}
	if _, err := askFor(t, s, "register_scheduler_plugin", field{"name", "p"}, plugin("c__main__\nPlugin\n...")); err == nil || !strings.Contains(err.Error(), "not Python ones") {
		t.Errorf("another plugin: %v", err)
	}
	bare := start(t, nil)
	if _, err := askFor(t, bare, "register_scheduler_plugin", field{"name", "file"}, plugin(upload)); err == nil || !strings.Contains(err.Error(), "not Python ones") {
		t.Errorf("without a reader: %v", err)
	}
}
