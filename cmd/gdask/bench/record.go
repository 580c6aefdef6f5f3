package bench

import (
	"fmt"
	"slices"
)

// Record is one figure of one workload: the median of the repeats and their
// range. It is printed as one line of JSON.
type Record struct {
	Workload string  `json:"workload"`
	Mode     string  `json:"mode"` // processes or threads
	N        int     `json:"n,omitempty"`
	Figure   string  `json:"figure"`
	Unit     string  `json:"unit"`
	Median   float64 `json:"median"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Repeats  int     `json:"repeats"`
	// Reference is Dask's figure and Ratio how many times better this one is,
	// where Dask was measured.
	Reference float64 `json:"reference,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`
}

// samples are the values of one figure, one for each repeat.
type samples struct {
	figure, unit string
	n            int
	values       []float64
}

func (s samples) record(workload, mode string) Record {
	v := slices.Sorted(slices.Values(s.values))
	r := Record{Workload: workload, Mode: mode, N: s.n, Figure: s.figure, Unit: s.unit, Repeats: len(v),
		Median: median(v), Min: round(v[0]), Max: round(v[len(v)-1])}
	if ref, ok := daskFigures[reference{workload, s.figure, s.n}]; ok {
		r.Reference, r.Ratio = ref.value, round(r.Median/ref.value)
		if ref.lowerIsBetter {
			r.Ratio = round(ref.value / r.Median)
		}
	}
	return r
}

// median of sorted values.
func median(v []float64) float64 {
	m := len(v) / 2
	if len(v)%2 == 1 {
		return round(v[m])
	}
	return round((v[m-1] + v[m]) / 2)
}

// round keeps figures readable: four digits.
func round(x float64) float64 {
	var out float64
	if _, err := fmt.Sscan(fmt.Sprintf("%.4g", x), &out); err != nil {
		return x
	}
	return out
}

// String is the record for people, with the ratio if there is one.
func (r Record) String() string {
	name := r.Workload
	if r.N > 0 {
		name = fmt.Sprintf("%s %d", r.Workload, r.N)
	}
	s := fmt.Sprintf("%-18s %-15s %12.6g %-12s", name, r.Figure, r.Median, r.Unit)
	if r.Reference > 0 {
		s += fmt.Sprintf(" %8.4g x Dask's %g", r.Ratio, r.Reference)
	}
	return s
}
