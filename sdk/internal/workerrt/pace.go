package workerrt

// Bounds of running ahead: handing over a task costs about a microsecond and
// the wake-up of a slot several, so very short tasks are handed over in groups.
const (
	aheadSeconds = 200e-6 // of work beyond the slots
	aheadMax     = 64     // tasks a slot
	paceEvery    = 32     // tasks between changes
)

// pace follows the mean duration of tasks.
type pace struct {
	mean float64 // seconds
	n    int
	now  int
}

func (p *pace) add(seconds float64) {
	seconds = max(seconds, 1e-7)
	if p.n == 0 {
		p.mean = seconds
	}
	p.mean += (seconds - p.mean) / 16
	p.n++
}

// ahead is how many tasks beyond the slots to hand over; ok says that it changed.
func (p *pace) ahead(slots int) (n int, ok bool) {
	if p.n < paceEvery {
		return 0, false
	}
	p.n = 1
	n = slots * int(min(aheadSeconds/p.mean, aheadMax))
	ok = n != p.now
	p.now = n
	return n, ok
}
