package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// Names widen the choice, each other kind of limit narrows it.
func TestHowLimitsCombine(t *testing.T) {
	s := newScript(t)
	for _, w := range []AddWorker{
		{Address: "tcp://a:1", Name: "one", Host: "a"},
		{Address: "tcp://a:2", Name: "two", Host: "a", Resources: map[string]float64{"GPU": 1}},
		{Address: "tcp://b:1", Name: "three", Host: "b", Resources: map[string]float64{"GPU": 1, "MEM": 5}},
		{Address: "tcp://b:2", Name: "four", Host: "b", Runtimes: []string{"go"}, Resources: map[string]float64{"GPU": 1}},
	} {
		w.NThreads, w.Status = 1, "running"
		s.do(w)
	}
	gpu := wire.Resources{"GPU": 1}
	for name, c := range map[string]struct {
		def  wire.TaskDef
		want string
	}{
		"nothing":                         {wire.TaskDef{}, "one two three"},
		"an address":                      {wire.TaskDef{Workers: []string{"tcp://a:2"}}, "two"},
		"an address without protocol":     {wire.TaskDef{Workers: []string{"a:2"}}, "two"},
		"a name":                          {wire.TaskDef{Workers: []string{"three"}}, "three"},
		"a host":                          {wire.TaskDef{Workers: []string{"a"}}, "one two"},
		"names of all kinds are a choice": {wire.TaskDef{Workers: []string{"a", "three", "tcp://a:1"}}, "one two three"},
		"resources":                       {wire.TaskDef{Resources: gpu}, "two three"},
		"all resources must be there":     {wire.TaskDef{Resources: wire.Resources{"GPU": 1, "MEM": 2}}, "three"},
		"host and resource":               {wire.TaskDef{Workers: []string{"a"}, Resources: gpu}, "two"},
		"address and host and resource":   {wire.TaskDef{Workers: []string{"tcp://a:1", "b"}, Resources: gpu}, "three"},
		"a name without the resource":     {wire.TaskDef{Workers: []string{"one"}, Resources: gpu}, ""},
		"and the runtime":                 {wire.TaskDef{Workers: []string{"b"}, Resources: gpu, Runtime: "go"}, "four"},
		"loose names only":                {wire.TaskDef{Workers: []string{"one"}, AllowOther: true, Resources: gpu}, "two three"},
	} {
		t.Run(name, func(t *testing.T) {
			l := s.m.limitsOf(&c.def)
			var allowed []string
			for _, w := range s.m.list {
				if l.allows(w) {
					allowed = append(allowed, w.reg.Name)
				}
			}
			if want := strings.Fields(c.want); !slices.Equal(allowed, want) {
				t.Errorf("allowed on %q, want %q", allowed, want)
			}
		})
	}
}
