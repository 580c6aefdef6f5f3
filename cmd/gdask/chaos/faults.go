//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gdask/gdask"
)

// injector does one fault after the other.
type injector struct {
	o      *Options
	r      *rand.Rand
	fleet  *fleet
	proxy  *proxy
	client *gdask.Client
	dir    string // for tokens
	limit  int64  // bytes that a worker may have
	wg     sync.WaitGroup
	count  map[string]int
	serial int

	mu    sync.Mutex
	wrong []error // what no fault excuses
}

// fault is a kind of trouble and how often it comes, relative to the others.
type fault struct {
	name   string
	weight int
	do     func(*injector, context.Context) bool
}

var faults = []fault{
	{"kill worker", 4, (*injector).killWorker},
	{"kill nanny", 2, (*injector).killNanny},
	{"freeze worker", 3, (*injector).freezeWorker},
	{"freeze nanny", 1, (*injector).freezeNanny},
	{"cut connections", 4, (*injector).cut},
	{"cut all connections", 1, (*injector).cutAll},
	{"stall connections", 2, (*injector).stall},
	{"starve of memory", 2, (*injector).starve},
	{"retire worker", 1, (*injector).retire},
	{"restart worker", 1, (*injector).restart},
}

// run injects until ctx ends, then lets go of all that it froze.
func (i *injector) run(ctx context.Context) {
	defer i.wg.Wait()
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	for {
		pause := time.NewTimer(i.o.Pause/2 + time.Duration(i.r.Int64N(int64(i.o.Pause))))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		n := i.r.IntN(total)
		for _, f := range faults {
			if n -= f.weight; n < 0 {
				if f.do(i, ctx) {
					i.count[f.name]++
				}
				break
			}
		}
	}
}

// summary is for example "cut connections 3, kill worker 7".
func (i *injector) summary() string {
	var s []string
	for _, name := range slices.Sorted(maps.Keys(i.count)) {
		s = append(s, fmt.Sprintf("%s %d", name, i.count[name]))
	}
	return strings.Join(s, ", ")
}

func signal(pid int, s syscall.Signal) bool {
	return pid > 0 && syscall.Kill(pid, s) == nil
}

func (i *injector) killWorker(context.Context) bool {
	return signal(i.fleet.victim(i.r, true), syscall.SIGKILL)
}

func (i *injector) killNanny(context.Context) bool {
	return signal(i.fleet.victim(i.r, false), syscall.SIGKILL)
}

func (i *injector) freezeWorker(ctx context.Context) bool { return i.freeze(ctx, true) }
func (i *injector) freezeNanny(ctx context.Context) bool  { return i.freeze(ctx, false) }

// freeze stops a process, for a moment or for longer than anybody waits.
func (i *injector) freeze(ctx context.Context, itself bool) bool {
	pid := i.fleet.victim(i.r, itself)
	if !signal(pid, syscall.SIGSTOP) {
		return false
	}
	d := time.Duration(100+i.r.IntN(2000)) * time.Millisecond
	if i.r.IntN(4) == 0 {
		d = 15 * time.Second
	}
	i.wg.Go(func() {
		wait(ctx, d)
		signal(pid, syscall.SIGCONT)
	})
	return true
}

// connections are about this part of those with the scheduler and of those with
// one of the workers.
func (i *injector) connections(part float64) []*pair {
	pairs := i.proxy.some(i.r, part)
	if ps := i.fleet.proxies(); len(ps) > 0 {
		pairs = append(pairs, ps[i.r.IntN(len(ps))].some(i.r, part)...)
	}
	return pairs
}

func (i *injector) cut(context.Context) bool {
	pairs := i.connections(0.1)
	for _, x := range pairs {
		x.cut()
	}
	return len(pairs) > 0
}

func (i *injector) cutAll(context.Context) bool {
	pairs := i.connections(1)
	for _, x := range pairs {
		x.cut()
	}
	return len(pairs) > 0
}

func (i *injector) stall(ctx context.Context) bool {
	pairs, d := i.connections(0.2), time.Duration(i.r.IntN(3000))*time.Millisecond
	i.wg.Go(func() { stall(ctx, pairs, d) })
	return len(pairs) > 0
}

// starve has one worker killed for the memory that a task takes.
func (i *injector) starve(ctx context.Context) bool {
	i.serial++
	token := filepath.Join(i.dir, fmt.Sprintf("token-%d", i.serial))
	if err := os.WriteFile(token, nil, 0o600); err != nil {
		return false
	}
	f := starve.With(gdask.Options{Impure: true}).Submit(i.client, token, int(2*i.limit))
	i.wg.Go(func() {
		defer f.Release()
		ended, err := f.Result(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !errors.As(err, new(*gdask.KilledWorkerError)):
			i.mu.Lock()
			i.wrong = append(i.wrong, fmt.Errorf("a task that starves its worker failed otherwise: %w", err))
			i.mu.Unlock()
		case err == nil && !ended: // its nanny may be frozen
			i.o.logf("a worker took twice its memory limit and nobody minded")
		}
	})
	return true
}

// limitOfRequest is how long the scheduler may take for a retirement or a restart,
// and slackOfRequest how much longer the request may: it is bounded whatever happens.
const limitOfRequest, slackOfRequest = 20 * time.Second, time.Minute

// request makes one beside the faults to come. It may fail, but it must end.
func (i *injector) request(ctx context.Context, what string, do func(context.Context) error) {
	i.wg.Go(func() {
		late := fmt.Errorf("%s had not ended after %v", what, limitOfRequest+slackOfRequest)
		bound, cancel := context.WithTimeoutCause(ctx, limitOfRequest+slackOfRequest, late)
		defer cancel()
		if err := do(bound); err != nil && ctx.Err() == nil && bound.Err() != nil {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.wrong = append(i.wrong, errors.Join(late, err))
		}
	})
}

// retire has the worker leave whose end costs least; its command starts another.
func (i *injector) retire(ctx context.Context) bool {
	i.request(ctx, "a retirement", func(ctx context.Context) error {
		_, err := i.client.RetireWorkers(ctx, gdask.RetireOptions{N: 1, Close: true, Timeout: limitOfRequest})
		return err
	})
	return true
}

// restart has a random worker started anew by its nanny.
func (i *injector) restart(ctx context.Context) bool {
	n := i.r.Int()
	i.request(ctx, "a restart", func(ctx context.Context) error {
		all, err := i.client.NThreads(ctx)
		workers := slices.Sorted(maps.Keys(all))
		if err != nil || len(workers) == 0 {
			return err
		}
		_, err = i.client.RestartWorkers(ctx, []string{workers[n%len(workers)]}, limitOfRequest)
		return err
	})
	return true
}

// wait sleeps, at most until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
