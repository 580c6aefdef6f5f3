package bench

import (
	"fmt"
	"time"

	"github.com/gdask/gdask"
)

const (
	bigBlock   = 100_000_000
	smallBlock = 10_000
	transfers  = 1000
)

// transfer has values made on one worker and used on the other.
func (r *run) transfer() error {
	ws := r.cluster.Workers()
	if len(ws) != 2 {
		return fmt.Errorf("the cluster has %d workers, not 2", len(ws))
	}
	make1 := produce.With(gdask.Options{Workers: []string{ws[0].Address()}})
	use := consume.With(gdask.Options{Workers: []string{ws[1].Address()}})
	move := func(size, n int) (time.Duration, error) {
		made := make1.Map(r.client, size, r.fresh(n))
		defer gdask.Release(made...)
		if err := gdask.Wait(r.ctx, made...); err != nil {
			return 0, err
		}
		ids := r.fresh(n)
		start := time.Now()
		used := use.Map(r.client, made, ids)
		defer gdask.Release(used...)
		if err := gdask.Wait(r.ctx, used...); err != nil {
			return 0, err
		}
		took := time.Since(start)
		got, err := used[n-1].Result(r.ctx)
		if err == nil && got != size {
			err = fmt.Errorf("%d bytes arrived of %d", got, size)
		}
		return took, err
	}
	err := r.repeat(r.Repeats, r.besideFigures("large"), func() ([]float64, error) {
		return r.beside(func() (float64, error) {
			d, err := move(bigBlock, 1)
			return rate(bigBlock, d), err
		})
	})
	if err != nil {
		return err
	}
	return r.repeat(r.Repeats, []samples{{figure: "small", unit: "transfers/s", n: transfers}}, func() ([]float64, error) {
		d, err := move(smallBlock, transfers)
		return []float64{rate(transfers, d)}, err
	})
}

// scatterGather moves a large value from and to the client.
func (r *run) scatterGather() error {
	var fs []*gdask.Future[[]byte]
	scatter := func() (float64, error) {
		data := [][]byte{block(bigBlock, r.fresh(1)[0])}
		start := time.Now()
		var err error
		fs, err = gdask.Scatter(r.ctx, r.client, data, gdask.ScatterOptions{NoHash: true})
		return rate(bigBlock, time.Since(start)), err
	}
	gather := func() (float64, error) {
		start := time.Now()
		back, err := gdask.Gather(r.ctx, fs)
		got := rate(bigBlock, time.Since(start))
		if err == nil && (len(back) != 1 || len(back[0]) != bigBlock) {
			err = fmt.Errorf("what was scattered did not come back whole")
		}
		return got, err
	}
	figures := append(r.besideFigures("scatter"), r.besideFigures("gather")...)
	return r.repeat(r.Repeats, figures, func() ([]float64, error) {
		in, err := r.beside(scatter)
		if err != nil {
			return nil, err
		}
		defer gdask.Release(fs...)
		out, err := r.beside(gather)
		return append(in, out...), err
	})
}
