package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// order runs all tasks of a worker with one thread and returns their order.
func (s *script) order(worker string) string {
	s.t.Helper()
	r := ""
	for len(s.m.Processing(worker)) > 0 {
		k, _ := s.m.Processing(worker)[0].Str()
		r += k
		s.finish(worker, k)
	}
	return r
}

func withPriority(name string, p float64) wire.TaskDef {
	d := taskDef(name)
	d.Priority = p
	return d
}

func TestQueuedTasksRunInTheirStaticOrder(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b c d", "a", "b", "c", "d")
	if got := s.order("w"); got != "abcd" {
		t.Errorf("ran %s", got)
	}
}

func TestTheUsersPriorityComesFirst(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b c d", "a", withPriority("b", -1), withPriority("c", 5), "d")
	if got := s.order("w"); got != "cadb" {
		t.Errorf("ran %s, want the highest priority first", got)
	}
}

func TestTheUsersPriorityBeatsEarlierGraphs(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b", "a", "b")
	s.submit("c d", withPriority("c", 1), "d")
	if got := s.order("w"); got != "acbd" {
		t.Errorf("ran %s; a began before c was known", got)
	}
}

// Inputs are made before their dependents' siblings in the static order, so
// that a dependent may overtake what came earlier in the queue.
func TestReadyDependentsOvertakeByTheirOrder(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("b c d e", "a", "b<-a", "c", "d<-c", "e")
	if got := s.order("w"); got != "abcde" {
		t.Errorf("ran %s", got)
	}
}

func TestReadyDependentsDoNotOvertakeOthers(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("q y", "a", "q", "y<-a")
	if got := s.order("w"); got != "aqy" {
		t.Errorf("ran %s; y became ready when q was waiting for the same slot", got)
	}
}

func TestLaterGraphsComeLater(t *testing.T) {
	for name, c := range map[string]struct {
		gap, timeout time.Duration
		want         string
	}{
		"after the fifo timeout":  {200 * time.Millisecond, 100 * time.Millisecond, "xabpq"},
		"within the fifo timeout": {10 * time.Millisecond, 100 * time.Millisecond, "xapbq"},
		"without a timeout":       {0, 0, "xabpq"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.join("w")
			s.submit("x", "x") // keeps the worker busy
			s.now = s.now.Add(time.Hour)
			for _, g := range []UpdateGraph{graph("a b", "a", "b"), graph("p q", "p", "q")} {
				g.FifoTimeout = c.timeout
				s.do(g)
				s.now = s.now.Add(c.gap)
			}
			if got := s.order("w"); got != c.want {
				t.Errorf("ran %s, want %s", got, c.want)
			}
		})
	}
}

func TestGenerationsCount(t *testing.T) {
	s := newScript(t)
	for i := range 3 {
		k := fmt.Sprint("x", i)
		s.submit(k, withPriority(k, 5))
		if i, _ := s.m.Task(wire.StrKey(k)); i.Priority[0] != -5 || i.Priority[2] != 0 {
			t.Errorf("priority %v", i.Priority)
		} else if want := float64(k[1]-'0') + 1; i.Priority[1] != want {
			t.Errorf("%s is of generation %v, want %v", k, i.Priority[1], want)
		}
	}
}

// Tasks that a task submits come before all of its user priority: it may wait
// for them.
func TestGraphsOfTasksComeBeforeAllOthers(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b", "a", "b")
	s.submit("c", "c")
	u := graph("d", "d")
	u.SubmittingTask = ks("a")[0]
	s.do(u)
	u = graph("e", "e")
	u.SubmittingTask = ks("nobody")[0]
	s.do(u)
	if got := s.order("w"); got != "adbce" {
		t.Errorf("ran %s", got)
	}
	if i, _ := s.m.Task(ks("d")[0]); i.State != Memory || i.Priority != [3]float64{0, -0.01, 0} {
		t.Errorf("priority %v", i.Priority)
	}
}

func TestAPriorityThatIsNoNumberIsNone(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b c d e", "a", withPriority("b", nan), "c", withPriority("d", inf), withPriority("e", -inf))
	if got := s.order("w"); got != "dabce" {
		t.Errorf("ran %s", got)
	}
}

func TestTheWorkerIsToldThePriority(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", withPriority("x", 2.5))
	if p := s.run("w", "x").Priority; len(p) != 3 || p[0] != -2.5 || p[1] != 1 {
		t.Errorf("priority %v", p)
	}
}

// The queue keeps its order however tasks come and go.
func TestQueueKeepsItsOrder(t *testing.T) {
	for _, n := range []int{1, 3, 100, 3000} {
		q, stamp := queue{}, uint32(0)
		tasks := make([]*task, n)
		for i := range tasks { // neither sorted nor random: both lists are used
			tasks[i] = &task{priority: [3]float64{0, 1, float64((i * 7919) % n)}}
			stamp++
			q.push(tasks[i], stamp)
		}
		for i, x := range tasks {
			if i%3 != 0 {
				q.remove(x)
			}
		}
		last := -1.0
		for left := (n + 2) / 3; left > 0; left-- {
			x := q.peek()
			if x == nil || x.priority[2] <= last {
				t.Fatalf("of %d: %v after %v with %d left", n, x, last, left)
			}
			last = x.priority[2]
			q.remove(x)
		}
		if q.peek() != nil || q.live != 0 {
			t.Errorf("of %d: %d are left", n, q.live)
		}
	}
}

func TestQueueGivesRoomBack(t *testing.T) {
	q := queue{}
	var tasks []*task
	for i := range 5000 {
		x := &task{priority: [3]float64{0, 0, float64(i)}}
		tasks = append(tasks, x)
		q.push(x, uint32(i+1))
	}
	for i, x := range tasks[:4999] {
		if q.peek() != x {
			t.Fatalf("not in order at %d", i)
		}
		q.remove(x)
	}
	if len(q.line)-q.head > 200 {
		t.Errorf("%d entries for one task", len(q.line)-q.head)
	}
	q.remove(tasks[4999])
	if cap(q.line) != 0 {
		t.Errorf("an empty queue keeps room for %d", cap(q.line))
	}
}
