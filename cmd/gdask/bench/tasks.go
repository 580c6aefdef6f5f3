package bench

import (
	"slices"
	"time"

	"github.com/gdask/gdask"
)

const (
	latencies  = 1000
	chainTasks = 1000
	leaves     = 1 << 13
	fanWidth   = 10_000
	large      = 1_000_000 // sizes from here on run once
)

func (r *run) startup() error {
	figures := []samples{{figure: "start", unit: "ms"}, {figure: "close", unit: "ms"}}
	return r.repeat(r.Repeats, figures, func() ([]float64, error) {
		start := time.Now()
		if err := r.open(); err != nil {
			return nil, err
		}
		if err := r.client.WaitForWorkers(r.ctx, 2); err != nil {
			return nil, err
		}
		started := time.Since(start)
		start = time.Now()
		err := r.close()
		return []float64{micro(started) / 1000, micro(time.Since(start)) / 1000}, err
	})
}

func (r *run) noop() error {
	for _, n := range r.Sizes {
		times := r.Repeats
		if n >= large {
			times = 1
		}
		err := r.repeat(times, []samples{{figure: "rate", unit: "tasks/s", n: n}}, func() ([]float64, error) {
			d, err := r.noops(n)
			return []float64{rate(n, d)}, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noops is the time of n tasks from submission until all are done.
func (r *run) noops(n int) (time.Duration, error) {
	xs := r.fresh(n)
	start := time.Now()
	fs := noop.Map(r.client, xs)
	err := gdask.Wait(r.ctx, fs...)
	took := time.Since(start)
	if err == nil {
		err = fs[n-1].Exception(r.ctx)
	}
	gdask.Release(fs...)
	return took, err
}

func (r *run) latency() error {
	figures := []samples{{figure: "p50", unit: "us", n: latencies}, {figure: "p99", unit: "us", n: latencies}}
	return r.repeat(r.Repeats, figures, func() ([]float64, error) {
		took := make([]float64, 0, latencies)
		for _, x := range r.fresh(latencies) {
			start := time.Now()
			f := inc.Submit(r.client, x)
			if _, err := f.Result(r.ctx); err != nil {
				return nil, err
			}
			took = append(took, micro(time.Since(start)))
			f.Release()
		}
		slices.Sort(took)
		return []float64{took[latencies/2], took[latencies*99/100]}, nil
	})
}

func (r *run) chain() error {
	return r.repeat(r.Repeats, []samples{{figure: "per task", unit: "us", n: chainTasks}}, func() ([]float64, error) {
		start := time.Now()
		fs := []*gdask.Future[int]{inc.Submit(r.client, r.fresh(1)[0])}
		for len(fs) < chainTasks {
			fs = append(fs, inc.Submit(r.client, fs[len(fs)-1]))
		}
		r.serial += chainTasks
		_, err := fs[len(fs)-1].Result(r.ctx)
		took := time.Since(start)
		gdask.Release(fs...)
		return []float64{micro(took) / chainTasks}, err
	})
}

func (r *run) tree() error {
	const tasks = 2*leaves - 1
	return r.repeat(r.Repeats, []samples{{figure: "rate", unit: "tasks/s", n: tasks}}, func() ([]float64, error) {
		xs := r.fresh(leaves)
		start := time.Now()
		all := noop.Map(r.client, xs)
		for level := all; len(level) > 1; {
			var left, right []*gdask.Future[int]
			for i := 0; i < len(level); i += 2 {
				left, right = append(left, level[i]), append(right, level[i+1])
			}
			level = add.Map(r.client, left, right)
			all = append(all, level...)
		}
		_, err := all[len(all)-1].Result(r.ctx)
		took := time.Since(start)
		gdask.Release(all...)
		return []float64{rate(tasks, took)}, err
	})
}

func (r *run) fan() error {
	const tasks = fanWidth + 2
	return r.repeat(r.Repeats, []samples{{figure: "rate", unit: "tasks/s", n: tasks}}, func() ([]float64, error) {
		xs := r.fresh(fanWidth)
		start := time.Now()
		one := noop.Submit(r.client, r.fresh(1)[0])
		wide := shift.Map(r.client, one, xs)
		last := sum.Submit(r.client, wide)
		_, err := last.Result(r.ctx)
		took := time.Since(start)
		last.Release()
		one.Release()
		gdask.Release(wide...)
		return []float64{rate(tasks, took)}, err
	})
}
