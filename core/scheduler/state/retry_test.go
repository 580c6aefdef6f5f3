package state

import (
	"fmt"
	"strings"
	"testing"
)

// A retry reaches each task once, and none that another failure keeps from
// running: where tasks have many paths between them, that is no small matter.
func TestARetryLeavesAloneWhatAnotherFailureStops(t *testing.T) {
	const depth = 24
	s := newScript(t)
	s.join("v", "w")
	defs := []any{onWorker("r", "v"), onWorker("q", "w"), "a0<-r", "b0<-q"}
	wants := "r q"
	for i := 1; i < depth; i++ {
		defs = append(defs, fmt.Sprintf("a%d<-a%d,b%d", i, i-1, i-1), fmt.Sprintf("b%d<-b%d,a%d", i, i-1, i-1))
		wants += fmt.Sprintf(" a%d b%d", i, i)
	}
	s.submit(wants, defs...)
	s.fail("v", "r")
	s.fail("w", "q")
	s.skip()
	s.do(RetryKeys{Client: "c", Keys: ks("r")})
	s.said("v: compute r")
	s.count(" retried", 1)
	s.count(" erred: boom q", 2*(depth-1)) // it was r before
	s.skip()
	s.states("r processing", "a0 released", "q erred", "a1 erred", "b9 erred")
	s.do(RetryKeys{Client: "c", Keys: ks("a9")}) // and with it q
	s.states("q processing", "a9 waiting", "b9 waiting", fmt.Sprintf("b%d waiting", depth-1))
	s.count(" retried", 2*(depth-1)+1) // q and all below
	s.finish("v", "r")
	s.finish("w", "q")
	s.states("a0 processing", "b0 processing", "a1 waiting", "b1 waiting")
}

// count counts the lines since the last skip that end so.
func (s *script) count(ending string, want int) {
	s.t.Helper()
	n := 0
	for _, l := range s.lines {
		if strings.HasSuffix(l, ending) {
			n++
		}
	}
	if n != want {
		s.t.Errorf("%d lines end with %q, want %d", n, ending, want)
	}
}
