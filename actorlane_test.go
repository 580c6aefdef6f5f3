package gdask

import (
	"testing"
	"testing/synctest"
)

// A call that was given up before its turn keeps its place: the next one must not
// overtake those before it.
func TestACallThatIsGivenUpKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(lane)
		_, first := l.enter()
		turn, second := l.enter()
		third, _ := l.enter()
		go l.leave(turn, second)
		synctest.Wait()
		select {
		case <-third:
			t.Error("the third call overtakes the first")
		default:
		}
		l.leave(nil, first)
		<-third
	})
}
