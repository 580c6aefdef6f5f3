package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestAnActorStaysUntilItIsFreed(t *testing.T) {
	m := New(Config{})
	c := task(1, 0)
	c.Actor = true
	apply(t, m, c, &Done{Key: key(1), Data: "object", Nbytes: 8})
	o := apply(t, m, &wire.RemoveReplicas{Keys: []wire.Key{key(1)}})
	if kept := sent[*wire.AddKeys](t, o); len(kept.Keys) != 1 || state(m, 1) != Memory {
		t.Errorf("a request to drop copies took the actor: %v, %s", kept, state(m, 1))
	}
	apply(t, m, &UpdateData{Items: []Item{{Key: key(1), Data: "handle"}}})
	if a := m.Task(key(1)); a.Data != "object" || !a.Actor {
		t.Errorf("a handle took its place: %+v", a)
	}
	o = apply(t, m, &wire.FreeKeys{Keys: []wire.Key{key(1)}})
	if len(o.Ended) != 1 || o.Ended[0] != "object" || state(m, 1) != Forgotten {
		t.Errorf("freed: ended %v, %s", o.Ended, state(m, 1))
	}
	if o = *m.Take(); len(o.Ended) != 0 {
		t.Errorf("ended twice: %v", o.Ended)
	}
}

func TestPlainResultsEndInSilence(t *testing.T) {
	m := New(Config{})
	c := task(1, 0)
	c.Actor = true
	apply(t, m, c, &Done{Key: key(1), Failure: &Failure{Text: "no object"}})
	apply(t, m, task(1, 0), &Done{Key: key(1), Data: 5})
	if o := apply(t, m, &wire.FreeKeys{Keys: []wire.Key{key(1)}}); len(o.Ended) != 0 {
		t.Errorf("ended %v", o.Ended)
	}
}
