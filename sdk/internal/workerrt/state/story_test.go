package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func path(ts []Transition) string {
	var b strings.Builder
	for _, t := range ts {
		b.WriteString(t.From.String() + ">" + t.To.String() + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestStoryTellsEveryTransition(t *testing.T) {
	m := New(Config{})
	m.SetNow(7)
	c := task(9, 0, at(1, peerA))
	c.StimulusID = "graph-1"
	g := apply(t, m, c).Gather[0]
	m.SetNow(8)
	apply(t, m, &Gathered{Peer: g.Peer, Keys: g.Keys, Items: []Item{{Key: key(1), Data: 1, Nbytes: 1}}})
	m.SetNow(9)
	apply(t, m, &Done{Key: key(9), Failure: &Failure{Text: "no"}}, &wire.FreeKeys{Keys: []wire.Key{key(9)}, StimulusID: "free-1"})

	story := m.Story(key(9))
	if got := path(story); got != "released>waiting waiting>ready ready>executing executing>error error>released released>forgotten" {
		t.Fatal(got)
	}
	if story[0].At != 7 || story[2].At != 8 || story[3].At != 9 || story[0].Stimulus != "graph-1" || story[3].Stimulus != "run-ended" {
		t.Errorf("%+v", story)
	}
	if got := path(m.Story(key(1))); got != "released>fetch fetch>flight flight>memory" {
		t.Error(got)
	}
	if got := path(m.Story(wire.StrKey("free-1"))); got != "error>released released>forgotten" {
		t.Error("by stimulus:", got)
	}
	if got := m.Story(wire.StrKey("none")); len(got) != 0 {
		t.Error(got)
	}
}

func TestStoryIsBounded(t *testing.T) {
	m := New(Config{LogLength: 4})
	for k := range 5 {
		apply(t, m, task(k, 0), &Done{Key: key(k), Data: 1}) // four transitions each
	}
	all := m.Story()
	if len(all) != 4 || slices.ContainsFunc(all, func(x Transition) bool { return x.Key != key(4) }) {
		t.Fatalf("%+v", all)
	}
	if got := path(all); got != "released>waiting waiting>ready ready>executing executing>memory" {
		t.Error(got)
	}
	if none := New(Config{LogLength: -1}); apply(t, none, task(1, 0)).Execute == nil || len(none.Story()) != 0 {
		t.Error("a machine without a log remembers", none.Story())
	}
}

func TestStoryAllocatesNothing(t *testing.T) {
	r := newRing(8)
	k := key(1)
	if n := testing.AllocsPerRun(100, func() { r.add(k, "why", 1, Waiting, Ready) }); n != 0 {
		t.Errorf("%v allocations for a transition", n)
	}
}

// BenchmarkTaskWithStory is the life of one task, with and without a story.
func BenchmarkTaskWithStory(b *testing.B) {
	for name, length := range map[string]int{"story": DefaultLogLength, "none": -1} {
		b.Run(name, func(b *testing.B) {
			m := New(Config{LogLength: length})
			c, done := task(1, 0), &Done{Key: key(1), Data: 1}
			free := &wire.FreeKeys{Keys: []wire.Key{key(1)}}
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range []Event{c, done, free} {
					if err := m.Apply(e); err != nil {
						b.Fatal(err)
					}
					m.Take()
				}
			}
		})
	}
}
