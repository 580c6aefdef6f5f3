package scheduler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// closeBound is how long Close takes at most when its context has no deadline,
// and how long a peer gets to read its farewell.
const (
	closeBound    = 10 * time.Second
	farewellBound = 2 * time.Second
)

// Close tells workers to close and clients that the stream ends, stops
// listening, and waits for everything the scheduler started. ctx bounds the
// wait (10 s when it has no deadline); what has not ended then is cut off. Safe
// to call twice.
func (s *Scheduler) Close(ctx context.Context) error {
	s.closeOnce.Do(func() { s.closeErr = s.shutdown(ctx) })
	select {
	case <-s.done:
		return s.closeErr
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Scheduler) shutdown(ctx context.Context) error {
	defer close(s.done)
	ctx, cancel := context.WithTimeout(ctx, closeBound)
	defer cancel()
	started := s.enterClosing()
	err := s.stopHTTP(ctx)
	if started {
		s.hooks.beforeClose(ctx)
		s.farewell(ctx)
		s.hooks.close(ctx)
		s.set.Preload.Teardown("scheduler", newGuest(s), s.set.Functions)
	}
	s.cancel(errClosed)
	s.closeConns()
	err = errors.Join(err, s.pool.Close(), s.wait(ctx, &s.wg, "connections"))
	s.loop.in.close()
	return errors.Join(err, s.wait(ctx, &s.loopWG, "the loop"))
}

// enterClosing refuses new connections and reports whether Start was called.
func (s *Scheduler) enterClosing() bool {
	s.mu.Lock()
	was := s.state
	s.state = closing
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		_ = l.Close()
	}
	return was != fresh
}

// farewell writes the last messages to all peers at once and waits until they
// are out, each for a bounded time.
func (s *Scheduler) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, farewellBound)
	defer cancel()
	var streams []*wire.Stream
	err := s.loop.do(ctx, func() { streams = s.loop.sayGoodbye() })
	if err != nil {
		s.log.warn("could not tell workers and clients that the scheduler closes", "error", err)
		return
	}
	var wg sync.WaitGroup
	for _, st := range streams {
		wg.Go(func() { _ = st.Close(ctx, true) })
	}
	wg.Wait()
}

// sayGoodbye queues "close" for workers and returns all streams; from here on
// nobody is told anything.
func (l *loop) sayGoodbye() []*wire.Stream {
	l.flush()
	var streams []*wire.Stream
	for _, w := range l.workers {
		w.told = true
		if w.out.stream != nil {
			w.out.stream.Send(&wire.CloseWorker{Reason: "scheduler-close"})
			streams = append(streams, w.out.stream)
		}
		w.out.drop()
	}
	for _, c := range l.clients {
		c.told = true
		if c.out.stream != nil {
			streams = append(streams, c.out.stream)
		}
		c.out.drop()
	}
	for w := range l.watch {
		w.close()
	}
	return streams
}

func (s *Scheduler) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// wait waits for wg within ctx. The goroutine that waits ends with wg.
func (s *Scheduler) wait(ctx context.Context, wg *sync.WaitGroup, what string) error {
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("scheduler: close: %s did not end in time: %w", what, context.Cause(ctx))
	}
}

// tickInterval is how often time-driven rules run.
const tickInterval = 250 * time.Millisecond

// tick is the one goroutine of timers.
func (s *Scheduler) tick() {
	t := time.NewTicker(tickInterval)
	defer t.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
			// Waiting for the turn keeps a busy loop from collecting ticks.
			if s.loop.do(s.ctx, s.loop.tick) != nil {
				return
			}
		}
	}
}

// begin runs once on the loop before anything else.
func (l *loop) begin() {
	// Tasks nobody waits for are wished for by this pseudo-client.
	l.apply(state.AddClient{ID: "fire-and-forget"})
}

// stopped is for how long this process was stopped, or too busy to hear anybody, by
// the time between two ticks.
func stopped(gap time.Duration) time.Duration {
	if gap <= 8*tickInterval {
		return 0
	}
	return gap
}

// tick runs on the loop.
func (l *loop) tick() {
	l.load.sample(l.now)
	gap := time.Duration(0)
	if !l.lastTick.IsZero() {
		gap = l.now.Sub(l.lastTick)
	}
	l.lastTick = l.now
	l.checkWorkers(gap)
	l.checkClients(gap)
	l.apply(state.Tick{})
	l.coordinate(coord.Tick{Stopped: stopped(gap)})
	l.cleanTopics()
	l.forgetNannies()
	l.checkIdle()
}
