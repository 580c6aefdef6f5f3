package workertest_test

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// The example of the package's documentation, to its end.
func TestATaskRunsToItsReport(t *testing.T) {
	m := workertest.New(workertest.Config{Address: "tcp://10.0.0.1:1", NThreads: 2})
	x := wire.StrKey("x")
	if err := m.Apply(&wire.ComputeTask{Key: x, RunID: 1}); err != nil {
		t.Fatal(err)
	}
	out := m.Take()
	if len(out.Execute) != 1 || out.Execute[0].Key != x || out.Execute[0].State != workertest.Executing {
		t.Fatalf("execute %+v", out.Execute)
	}
	if err := m.Apply(&workertest.Done{Key: x, Data: 7, Nbytes: 8}); err != nil {
		t.Fatal(err)
	}
	out = m.Take()
	report, ok := out.Send[0].(*wire.TaskFinished)
	if !ok || report.Key != x || report.RunID != 1 || report.Nbytes != 8 {
		t.Errorf("sent %+v", out.Send)
	}
	if got := m.Task(x); got.State != workertest.Memory || got.Data != 7 || m.Check() != nil {
		t.Errorf("the task is %+v, %v", got, m.Check())
	}
}
