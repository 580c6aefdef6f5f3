package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// defsOf reads "z<-x,y" as a task with inputs.
func defsOf(texts ...string) []wire.TaskDef {
	defs := make([]wire.TaskDef, len(texts))
	for i, text := range texts {
		name, inputs, found := strings.Cut(text, "<-")
		defs[i].Key = wire.StrKey(name)
		if found {
			for k := range strings.SplitSeq(inputs, ",") {
				defs[i].Dependencies = append(defs[i].Dependencies, wire.StrKey(k))
			}
		}
	}
	return defs
}

func planned(t *testing.T, defs []wire.TaskDef, wanted ...string) string {
	t.Helper()
	keys := make([]wire.Key, len(wanted))
	for i, w := range wanted {
		keys[i] = wire.StrKey(w)
	}
	out, err := Plan(defs, keys, func(k wire.Key) bool { return k == wire.StrKey("future") })
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(out))
	for i, d := range out {
		if d.Order != int64(i) {
			t.Errorf("task %d has order %d", i, d.Order)
		}
		names[i] = d.Key.String()
	}
	return strings.Join(names, " ")
}

func TestPlanOrdersDepthFirst(t *testing.T) {
	for want, got := range map[string]string{
		"a b c":         planned(t, defsOf("c<-b", "b<-a", "a"), "c"),
		"x0 y0 x1 y1 z": planned(t, defsOf("x0", "x1", "y0<-x0", "y1<-x1", "z<-y0,y1"), "z"),
		"b1 b2 b a c":   planned(t, defsOf("a", "b1", "b2", "b<-b1,b2", "c<-a,b"), "c"), // the demanding input first
		"b a":           planned(t, defsOf("a", "b", "c<-a"), "b", "a"),                 // what nobody wants is left out
		"a":             planned(t, defsOf("a<-future"), "a"),
		"a b":           planned(t, defsOf("a", "a<-b", "b<-a"), "b"), // the first of a key stays
	} {
		if got != want {
			t.Errorf("order %q, want %q", got, want)
		}
	}
}

// The results that are held at once stay few in a tree of many leaves.
func TestPlanFreesEarly(t *testing.T) {
	var texts []string
	level := 64
	for i := range level {
		texts = append(texts, fmt.Sprintf("l0-%d", i))
	}
	for depth := 1; level > 1; depth++ {
		level /= 2
		for i := range level {
			texts = append(texts, fmt.Sprintf("l%d-%d<-l%d-%d,l%d-%d", depth, i, depth-1, 2*i, depth-1, 2*i+1))
		}
	}
	out, err := Plan(defsOf(texts...), []wire.Key{wire.StrKey("l6-0")}, nil)
	if err != nil || len(out) != 127 {
		t.Fatal(len(out), err)
	}
	held, most := map[wire.Key]bool{}, 0
	for _, d := range out {
		held[d.Key] = true
		most = max(most, len(held))
		for _, k := range d.Dependencies {
			if !held[k] {
				t.Fatalf("%v comes before its input %v", d.Key, k)
			}
			delete(held, k)
		}
	}
	if most > 8 {
		t.Errorf("%d results are held at once, 8 would do", most)
	}
}

func TestPlanOfADeepGraph(t *testing.T) {
	defs := make([]wire.TaskDef, 200_000)
	for i := range defs {
		defs[i].Key = wire.StrKey(fmt.Sprint(i))
		if i > 0 {
			defs[i].Dependencies = []wire.Key{defs[i-1].Key}
		}
	}
	slices.Reverse(defs)
	out, err := Plan(defs, []wire.Key{defs[0].Key}, nil)
	if err != nil || len(out) != len(defs) || out[0].Key.String() != "0" {
		t.Errorf("%d tasks, %v", len(out), err)
	}
}

func TestPlanNamesTheKeysOfMistakes(t *testing.T) {
	for want, c := range map[string]struct {
		defs   []wire.TaskDef
		wanted string
	}{
		"in a circle: b -> c -> b;":             {defsOf("a<-b", "b<-c", "c<-b"), "a"},
		"in a circle: a -> a;":                  {defsOf("a<-a"), "a"},
		"task a depends on q, which is neither": {defsOf("a<-q"), "a"},
		"the graph of 1 tasks has no key q":     {defsOf("a"), "q"},
	} {
		if _, err := Plan(c.defs, []wire.Key{wire.StrKey(c.wanted)}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}
