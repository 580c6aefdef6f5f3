package state

import "testing"

func TestSpecsAndBlame(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z v", "x", "y<-x", "z<-y", "v")
	if o, ok := s.m.Spec(ks("y")[0]); !ok || o.Text() != "f" {
		t.Errorf("%q, %v", o.Raw, ok)
	}
	if _, ok := s.m.Spec(ks("nobody")[0]); ok {
		t.Error("an unknown key has a run spec")
	}
	s.scatter("c", "w", "d")
	if _, ok := s.m.Spec(ks("d")[0]); ok {
		t.Error("data has a run spec")
	}
	if k := s.m.Blame(ks("z", "v", "nobody")); k != "" {
		t.Errorf("blames %v before anything failed", k)
	}
	s.fail("w", "x")
	if k := s.m.Blame(ks("v", "nobody", "z")); k != ks("x")[0] {
		t.Errorf("blames %v", k)
	}
}
