package state

import (
	"fmt"
	"testing"
)

func TestFailedTasksAreRemembered(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z", "x", "z<-x")
	s.fail("w", "x")
	got := s.m.Failures()
	if len(got) != 1 || got[0].Key != ks("x")[0] || got[0].ExceptionText != "boom x" || got[0].At != s.now ||
		len(got[0].ErredOn) != 1 || got[0].ErredOn[0] != "w" {
		t.Errorf("%+v", got)
	}
	s.do(ClientReleasesKeys{Client: "c", Keys: ks("z")})
	s.states("x forgotten")
	for i := range 150 {
		k := fmt.Sprint("k", i)
		s.submit(k, k)
		s.fail("w", k)
	}
	got = s.m.Failures()
	if len(got) != keptFailures || got[0].Key != ks("k149")[0] || got[99].Key != ks("k50")[0] {
		t.Errorf("%d failures from %v to %v", len(got), got[0].Key, got[len(got)-1].Key)
	}
}
