package scheduler

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

const (
	// shownBars bounds the bars of a picture; the latest are shown.
	shownBars                                        = 20_000
	laneHeight, pictureWidth, labelWidth, axisHeight = 14, 1200, 180, 20
	axisMarks, markWidth                             = 6, 40
)

// streamPicture is when which task ran where, as an SVG: a lane for each thread.
type streamPicture struct {
	Width, Height int
	Left          int // of the bars
	Bars          []bar
	Lanes         []laneLabel
	Marks         []axisMark
	Hidden        int // bars that are not shown
}

type bar struct {
	X, Width      float64
	Y, Height     int
	Fill, Tooltip string
}

type laneLabel struct {
	Y    int
	Text string
}

type axisMark struct {
	X, Y int
	Text string
}

// phase is one timed phase of a run.
type phase struct {
	wire.StartStop
	run  *state.Ran
	name string
}

// picture draws runs. Workers do not all name their threads, so lanes are found:
// what overlaps on one worker has a lane each.
func picture(runs []state.Ran, names map[wire.Key]string) streamPicture {
	byWorker := map[string][]phase{}
	first, last, n, hidden := 0.0, 0.0, 0, 0
	for i := range slices.Backward(runs) {
		r := &runs[i]
		for _, s := range r.StartStops {
			if n == shownBars {
				hidden++
				continue
			}
			n++
			byWorker[r.Worker] = append(byWorker[r.Worker], phase{s, r, names[r.Key]})
			if first == 0 || s.Start < first {
				first = s.Start
			}
			last = max(last, s.Stop)
		}
	}
	p := streamPicture{Width: pictureWidth, Left: labelWidth, Hidden: hidden}
	span := max(last-first, 1e-6)
	scale := float64(pictureWidth-labelWidth) / span
	lane := 0
	for _, w := range sortedKeys(byWorker) {
		p.Lanes = append(p.Lanes, laneLabel{lane*laneHeight + laneHeight - 3, w})
		lane += p.draw(byWorker[w], lane, first, scale)
	}
	p.Height = lane*laneHeight + axisHeight
	p.mark(span, scale)
	return p
}

// mark writes round times below the bars.
func (p *streamPicture) mark(span, scale float64) {
	step := roundStep(span / axisMarks)
	for i := 0; ; i++ {
		at := float64(i) * step
		x := labelWidth + int(at*scale)
		if i > 2*axisMarks || x > pictureWidth-markWidth {
			return
		}
		p.Marks = append(p.Marks, axisMark{x, p.Height - 5, fmt.Sprintf("%.6g s", at)})
	}
}

// roundStep is the next of 1, 2, 5, 10 and so on that is not below a number.
func roundStep(least float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(least)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit >= least {
			return n * unit
		}
	}
	return 10 * unit
}

// draw adds the phases of one worker from a lane on and returns how many lanes
// they took.
func (p *streamPicture) draw(phases []phase, from int, first, scale float64) int {
	slices.SortStableFunc(phases, func(a, b phase) int {
		switch {
		case a.Start < b.Start:
			return -1
		case a.Start > b.Start:
			return 1
		}
		return 0
	})
	var free []float64 // when each lane is free again
	for _, ph := range phases {
		lane := slices.IndexFunc(free, func(at float64) bool { return at <= ph.Start })
		if lane < 0 {
			lane = len(free)
			free = append(free, 0)
		}
		free[lane] = ph.Stop
		p.Bars = append(p.Bars, bar{
			X: labelWidth + (ph.Start-first)*scale, Width: max((ph.Stop-ph.Start)*scale, 0.5),
			Y: (from+lane)*laneHeight + 1, Height: laneHeight - 2, Fill: ph.fill(),
			Tooltip: fmt.Sprintf("%s: %s, %s", ph.run.Key, ph.Action, secondsText(ph.Stop-ph.Start)),
		})
	}
	return len(free)
}

// fill is the colour of a phase: the name's for work, red for transfers, orange
// for what the disk takes, black for failures.
func (p *phase) fill() string {
	switch {
	case p.run.Erred:
		return "#000000"
	case p.Action == "transfer":
		return "#d64550"
	case p.Action == "compute":
		return nameColour(p.name)
	}
	return "#e08a3c"
}

// nameColour is a colour for a name, always the same.
func nameColour(name string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return fmt.Sprintf("hsl(%d, 55%%, 55%%)", 90+h.Sum32()%240)
}
