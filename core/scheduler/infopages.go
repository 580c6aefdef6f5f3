package scheduler

import (
	"fmt"
	"strings"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// fact is a row of a table of facts.
type fact struct{ Name, Value string }

func (s *Scheduler) workersData(q *pageRequest) (any, error) {
	q.template = "workers"
	var snap *snapshot
	err := q.do(s, func() { snap = s.loop.snapshot() })
	return snap, err
}

// erredTask is a failure on the page of exceptions.
type erredTask struct {
	Key, Text, Traceback string
	ErredOn              []string
}

func (s *Scheduler) exceptionsData(q *pageRequest) (any, error) {
	q.template = "exceptions"
	data := struct {
		Title string
		Tasks []erredTask
		More  bool
	}{Title: "Exceptions"}
	err := q.do(s, func() {
		keys := s.loop.m.Erred(shownRows)
		data.More = len(keys) == shownRows
		for _, k := range keys {
			t, _ := s.loop.m.Task(k)
			data.Tasks = append(data.Tasks, erredTask{k.String(), t.ExceptionText, t.TracebackText, t.ErredOn})
		}
	})
	return data, err
}

// pageLine is one line of a log on a page.
type pageLine struct{ Level, Text string }

type logPage struct {
	Title string
	Lines []pageLine
}

func (s *Scheduler) logsData(q *pageRequest) (any, error) {
	q.template = "logs"
	page := logPage{Title: "Scheduler log"}
	for _, l := range s.log.last(0) {
		page.Lines = append(page.Lines, pageLine{l.level, l.String()})
	}
	return page, nil
}

// workerPage is all of one worker.
type workerPage struct {
	Title, Address         string
	Table                  []workerSnapshot
	Facts                  []fact
	NProcessing, NInMemory int
	Processing, InMemory   []string
}

func (s *Scheduler) workerData(q *pageRequest) (any, error) {
	q.template = "worker"
	page := workerPage{Title: "Worker " + q.name, Address: q.name}
	found := false
	err := q.do(s, func() {
		l := s.loop
		w := l.workers[q.name]
		if found = w != nil; !found {
			return
		}
		for _, one := range l.snapshot().Workers {
			if one.Address == q.name {
				page.Table = append(page.Table, one)
			}
		}
		i, _ := l.m.Worker(q.name)
		page.Facts = workerFacts(w, &i)
		page.NProcessing, page.NInMemory = i.Processing, i.HasWhat
		page.Processing, page.InMemory = shown(l.m.Processing(q.name)), shown(l.m.HasWhat(q.name))
	})
	if err == nil && !found {
		return nil, &noPage{"no worker " + q.name}
	}
	return page, err
}

func workerFacts(w *workerPeer, i *state.WorkerInfo) []fact {
	var resources []string
	for _, r := range sortedKeys(i.Resources) {
		resources = append(resources, fmt.Sprintf("%s %g of %g used", r, i.Used[r], i.Resources[r]))
	}
	return []fact{
		{"Runtimes", strings.Join(i.Runtimes, ", ")}, {"Host", i.Host}, {"Process", fmt.Sprint(i.Pid)}, {"Nanny", w.nanny},
		{"Local directory", i.LocalDirectory}, {"Joined", clock(w.joined)}, {"Resources", strings.Join(resources, ", ")},
		{"Results", byteText(i.Nbytes)}, {"Work assigned", secondsText(i.Occupancy)}, {"Seceded tasks", fmt.Sprint(i.Seceded)},
	}
}

// shown are the first keys of a list, as texts.
func shown(keys []wire.Key) []string { return keyTexts(keys[:min(len(keys), shownRows)]) }

// taskPage is all of one task.
type taskPage struct {
	Title, Key                 string
	Explain                    []string
	Facts                      []fact
	Workers                    []string
	NDependencies, NDependents int
	Dependencies, Dependents   []string
	Text, Traceback, Blame     string
	Story                      []storyLine
}

type storyLine struct{ Time, From, To, Stimulus string }

func (s *Scheduler) taskData(q *pageRequest) (any, error) {
	q.template = "task"
	var page taskPage
	k, err := s.pageKey(q)
	if err != nil {
		return nil, err
	}
	known := false
	err = q.do(s, func() {
		var t state.TaskInfo
		if t, known = s.loop.m.Task(k); known {
			page = taskPageOf(&t)
			page.Explain = s.loop.m.Explain(k)
			for _, x := range s.loop.m.Story(k) {
				page.Story = append(page.Story, storyLine{clock(x.Time), x.From.String(), x.To.String(), x.Stimulus})
			}
		}
	})
	if err == nil && !known {
		return nil, &noPage{"no task " + q.name}
	}
	return page, err
}

func taskPageOf(t *state.TaskInfo) taskPage {
	page := taskPage{
		Title: "Task " + t.Key.String(), Key: t.Key.String(), Workers: t.WhoHas,
		NDependencies: len(t.Dependencies), NDependents: len(t.Dependents),
		Dependencies: shown(t.Dependencies), Dependents: shown(t.Dependents), Text: t.ExceptionText, Traceback: t.TracebackText,
	}
	if t.ProcessingOn != "" {
		page.Workers = append([]string{t.ProcessingOn}, page.Workers...)
	}
	if t.State == state.Erred && t.Blame != t.Key {
		page.Blame = t.Blame.String()
	}
	page.Facts = []fact{
		{"State", t.State.String()}, {"Name", t.Prefix}, {"Collection", t.Group}, {"Runtime", t.Runtime},
		{"Type of the result", t.Typename}, {"Size of the result", sizeText(t)}, {"Priority, smaller first", priorityText(t.Priority)}, {"Number of its last run", fmt.Sprint(t.RunID)},
		{"Retries left", fmt.Sprint(t.Retries)}, {"Deaths of workers", fmt.Sprint(t.Suspicious)},
		{"Wanted by", strings.Join(t.WhoWants, ", ")}, {"Restricted to", strings.Join(t.Workers, ", ")},
	}
	return page
}

// sizeText is how large a result is; "" before there is one.
func sizeText(t *state.TaskInfo) string {
	if t.State != state.Memory {
		return ""
	}
	return byteText(t.Nbytes)
}

func priorityText(p [3]float64) string {
	if p[0] == 0 {
		p[0] = 0 // not -0
	}
	return fmt.Sprintf("%g, %g, %g", p[0], p[1], p[2])
}

// pageKey finds the key whose text is the name in a path: a str, or any other.
func (s *Scheduler) pageKey(q *pageRequest) (wire.Key, error) {
	k := wire.StrKey(q.name)
	var others []wire.Key
	err := q.do(s, func() {
		if _, known := s.loop.m.State(k); !known {
			others = s.loop.m.UnsortedKeys()
		}
	})
	for _, other := range others { // outside of the loop: there may be a million
		if other.String() == q.name {
			return other, err
		}
	}
	return k, err
}
