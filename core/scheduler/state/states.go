package state

// State is where a task is in its life, under Dask's names.
type State uint8

// The states of a task.
const (
	Released   State = iota // known, not wanted now or not yet started
	Waiting                 // for inputs
	NoWorker                // no running worker may take it
	Queued                  // ready; all slots of workers are taken
	Processing              // assigned to a worker
	Memory                  // its result is held by at least one worker
	Erred                   // it, or one of its inputs, failed
	Forgotten               // no longer known
	nStates    = iota
)

// What a recommendation may ask for beside a state.
const (
	unneeded = State(nStates) + iota // released, unless somebody needs it by then
	noRec
)

var stateNames = [...]string{
	"released", "waiting", "no-worker", "queued", "processing", "memory", "erred", "forgotten",
}

// String is Dask's name of the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown"
}

// active says that the task is on its way to a result, so that it needs its inputs.
func (s State) active() bool { return s >= Waiting && s <= Processing }
