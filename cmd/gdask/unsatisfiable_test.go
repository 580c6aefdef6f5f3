package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask"
)

// A task that asks for what no worker has fails with the reason, or waits when
// the configuration says so.
func TestUnsatisfiableTasks(t *testing.T) {
	for name, c := range map[string]struct {
		choice string
		waits  bool
	}{
		"fail": {"fail", false},
		"wait": {"wait", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, environ(t, "GDASK_SCHEDULER__UNSATISFIABLE="+c.choice), "--no-processes", "--n-workers=1", "--dashboard-address=none")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cl := connect(t, ctx, r.says(t, "Scheduler at:"))
			defer func() { _ = cl.Close() }()
			f := double.With(gdask.Options{Resources: map[string]float64{"GPU": 1}}).Submit(cl, 1)
			if !c.waits {
				if err := f.Exception(ctx); err == nil || !strings.Contains(err.Error(), "GPU") {
					t.Errorf("it ends with %v", err)
				}
				return
			}
			long, stop := context.WithTimeout(ctx, 2500*time.Millisecond) // failing takes one second
			defer stop()
			if err := f.Exception(long); long.Err() == nil || f.Done() {
				t.Errorf("it does not wait, it is %v: %v", f.Status(), err)
			}
		})
	}
}
