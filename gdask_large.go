package gdask

import (
	"os"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// largeGraph is the size in bytes from which a graph is warned of, as Dask's
// distributed.admin.large-graph-warning-threshold.
const largeGraph = 10_000_000

// largeGraphs is how a client warns of them.
type largeGraphs struct {
	from int64
	log  hclog.Logger
}

func newLargeGraphs(o ClientOptions) largeGraphs {
	l := largeGraphs{from: o.LargeGraph, log: o.Logger}
	if l.from == 0 {
		l.from = largeGraph
	}
	if l.log == nil {
		l.log = hclog.New(&hclog.LoggerOptions{Name: "gdask", Level: hclog.Warn, Output: os.Stderr})
	}
	return l
}

// weight is how much a submission is and what is most of it.
type weight struct {
	tasks       int64
	bytes, most int64
	heaviest    wire.TaskDef
}

func (w *weight) add(defs []wire.TaskDef) {
	w.tasks += int64(len(defs))
	for i := range defs {
		n := int64(len(defs[i].RunSpec.Raw))
		for _, f := range defs[i].RunSpec.Frames {
			n += int64(len(f))
		}
		if w.bytes += n; n > w.most {
			w.most, w.heaviest = n, defs[i]
		}
	}
}

// usualTask is how many bytes a task with small arguments may take.
const usualTask = 1000

// heavy says whether arguments make a submission large, of one task or of most,
// and not the number of its tasks.
func (l *largeGraphs) heavy(w *weight) bool {
	return w.bytes >= l.from && (w.most >= l.from/100 || w.bytes > usualTask*w.tasks)
}

// warn tells of a submission that is too large to be sent with comfort, and of
// the argument that makes it so.
func (l *largeGraphs) warn(w *weight) {
	if l.from < 0 || !l.heavy(w) {
		return
	}
	what := "several arguments"
	if call, err := task.DecodeCall(w.heaviest.RunSpec); err == nil {
		i, typ, n := call.Largest()
		what = cluster.FormatBytes(n) + " of them are argument " + strconv.Itoa(i+1) + " of " + call.Name + typ
	}
	l.log.Warn("sending a large graph: scatter large values first and pass their futures",
		"size", cluster.FormatBytes(w.bytes), "threshold", cluster.FormatBytes(l.from),
		"largest task", client.KeyText(w.heaviest.Key), "largest argument", what)
}
