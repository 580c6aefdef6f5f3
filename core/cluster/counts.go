package cluster

import (
	"fmt"
	"math"
)

// Counts is a number of workers and the task slots of each.
type Counts struct {
	Workers int
	Threads int
}

// CountsFor is Dask's rule: how many workers and threads a local cluster has on
// a machine of so many cores. workers and threads are what the user gave, nil
// for neither; processes says whether workers are processes.
//
// Neither given: processes share the cores as a near-square, threads-only mode
// has one worker with all cores. Only one given: the other uses up the cores,
// rounded up for threads. No workers is legal, negative counts and no threads
// are errors.
func CountsFor(cores int, workers, threads *int, processes bool) (Counts, error) {
	if workers != nil && *workers < 0 {
		return Counts{}, fmt.Errorf("cluster: number of workers is %d; give 0 or more, or leave it out", *workers)
	}
	if threads != nil && *threads < 1 {
		return Counts{}, fmt.Errorf("cluster: threads per worker is %d; give 1 or more, or leave it out", *threads)
	}
	cores = max(cores, 1)
	switch {
	case workers != nil && threads != nil:
		return Counts{*workers, *threads}, nil
	case workers != nil:
		return Counts{*workers, max(1, ceilDiv(cores, max(*workers, 1)))}, nil
	case threads != nil && processes:
		return Counts{max(1, cores / *threads), *threads}, nil
	case threads != nil:
		return Counts{1, *threads}, nil
	case processes:
		return square(cores), nil
	}
	return Counts{1, cores}, nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// square divides n cores: one thread each up to 4 processes, then the smallest
// divisor of n that is at least its root.
func square(n int) Counts {
	if n <= 4 {
		return Counts{n, 1}
	}
	p := int(math.Ceil(math.Sqrt(float64(n))))
	for n%p != 0 {
		p++
	}
	return Counts{p, n / p}
}
