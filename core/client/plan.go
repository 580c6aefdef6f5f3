package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// Plan keeps of the tasks those that the wanted keys need, and gives them their
// static order: depth first, so that intermediate results are used up and
// forgotten early, and of several inputs first the one whose own making needs the
// most room. Keys that outside says are known already need no task. A cycle and
// an unknown key are errors that name the keys.
func Plan(tasks []wire.TaskDef, wanted []wire.Key, outside func(wire.Key) bool) ([]wire.TaskDef, error) {
	p := planner{tasks: tasks, outside: outside, index: make(map[wire.Key]int, len(tasks)), needs: make([]int, len(tasks)), state: make([]uint8, len(tasks))}
	for i := range tasks {
		if _, twice := p.index[tasks[i].Key]; !twice {
			p.index[tasks[i].Key] = i
		}
	}
	roots, err := p.find(wanted, "")
	if err != nil {
		return nil, err
	}
	if err := p.walk(roots, p.measure); err != nil {
		return nil, err
	}
	clear(p.state)
	out := make([]wire.TaskDef, 0, len(tasks))
	err = p.walk(roots, func(i int, _ []int) {
		d := tasks[i]
		d.Order = int64(len(out))
		out = append(out, d)
	})
	return out, err
}

// States of tasks during a walk.
const (
	unseen = iota
	open   // on the path from a root
	closed
)

type planner struct {
	tasks   []wire.TaskDef
	outside func(wire.Key) bool
	index   map[wire.Key]int
	needs   []int // results held at once while a task is made, at least
	state   []uint8
}

// frame is a task on the path, with the inputs that are still to be visited.
type frame struct {
	task   int
	inputs []int
	next   int
}

// walk visits what roots need, each task after its inputs. It keeps a stack of
// its own: graphs may be deep.
func (p *planner) walk(roots []int, visit func(task int, inputs []int)) error {
	stack := []frame{{task: -1, inputs: roots}}
	for len(stack) > 0 {
		f := &stack[len(stack)-1]
		if f.next == len(f.inputs) {
			if f.task >= 0 {
				p.state[f.task] = closed
				visit(f.task, f.inputs)
			}
			stack = stack[:len(stack)-1]
			continue
		}
		i := f.inputs[f.next]
		f.next++
		switch p.state[i] {
		case open:
			return p.cycle(stack, i)
		case closed:
			continue
		}
		p.state[i] = open
		inputs, err := p.find(p.tasks[i].Dependencies, p.tasks[i].Key)
		if err != nil {
			return err
		}
		slices.SortStableFunc(inputs, func(a, b int) int { return cmp.Compare(p.needs[b], p.needs[a]) })
		stack = append(stack, frame{task: i, inputs: inputs})
	}
	return nil
}

// find are the tasks of keys; of names who needs them.
func (p *planner) find(keys []wire.Key, of wire.Key) ([]int, error) {
	out := make([]int, 0, len(keys))
	for _, k := range keys {
		if i, ok := p.index[k]; ok {
			out = append(out, i)
			continue
		}
		if p.outside != nil && p.outside(k) {
			continue
		}
		if of == "" {
			return nil, fmt.Errorf("client: the graph of %d tasks has no key %s; add a task for it", len(p.tasks), KeyText(k))
		}
		return nil, fmt.Errorf("client: task %s depends on %s, which is neither in the graph nor a future; add a task for it", KeyText(of), KeyText(k))
	}
	return out, nil
}

// measure estimates how many results are held while a task is made: its inputs
// are made one after the other, the most demanding first.
func (p *planner) measure(task int, inputs []int) {
	needs := make([]int, len(inputs))
	for i, d := range inputs {
		needs[i] = p.needs[d]
	}
	slices.SortFunc(needs, func(a, b int) int { return b - a })
	most := 1
	for i, n := range needs {
		most = max(most, n+i)
	}
	p.needs[task] = most
}

// cycle names the keys on the path from task i to itself.
func (p *planner) cycle(stack []frame, i int) error {
	var names []string
	for _, f := range stack {
		if f.task == i || len(names) > 0 {
			names = append(names, KeyText(p.tasks[f.task].Key))
		}
	}
	names = append(names, KeyText(p.tasks[i].Key))
	return fmt.Errorf("client: the tasks depend on each other in a circle: %s; a task cannot need its own result", strings.Join(names, " -> "))
}
