package workerrt

import (
	"context"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// setBeat changes the heartbeat interval to that many seconds.
func (w *Worker) setBeat(seconds float64) {
	d := max(time.Duration(seconds*float64(time.Second)), 10*time.Millisecond)
	select {
	case <-w.beat: // only the newest counts
	default:
	}
	select {
	case w.beat <- d:
	default:
	}
}

// heartbeats tells the scheduler how the worker does, in a goroutine of its own
// that no task can delay.
func (w *Worker) heartbeats() {
	interval := defaultHeartbeat
	timer := time.NewTimer(interval)
	defer timer.Stop()
	lastGood, lastKeep, lastFind := time.Now(), time.Now(), time.Now()
	for {
		select {
		case <-w.ctx.Done():
			return
		case interval = <-w.beat:
			timer.Reset(interval)
			continue
		case <-timer.C:
		}
		now := time.Now()
		if w.heartbeat(interval) || w.stream.Load() == nil {
			lastGood = time.Now()
		} else if time.Since(lastGood) > heartbeatPatience {
			w.logs.Warn("the scheduler is silent", "for", time.Since(lastGood).Round(time.Second))
			w.hangUp()
			lastGood = time.Now()
		}
		if st := w.stream.Load(); st != nil && now.Sub(lastKeep) >= keepAliveInterval {
			st.Send(&wire.KeepAlive{})
			lastKeep = now
		}
		if now.Sub(lastFind) >= missingInterval {
			w.inbox.post(state.FindMissing{})
			lastFind = now
		}
		timer.Reset(interval)
	}
}

// hangUp ends the session; its reader then sees to the rest.
func (w *Worker) hangUp() {
	if c := w.session.Load(); c != nil {
		_ = c.Close() // the reader reports the end
	}
}

// heartbeat is one call; it reports whether the scheduler answered.
func (w *Worker) heartbeat(interval time.Duration) bool {
	if w.stream.Load() == nil {
		return false
	}
	now := time.Now()
	ctx, cancel := context.WithTimeout(w.ctx, max(5*time.Second, 3*interval))
	defer cancel()
	var reply wire.HeartbeatReply
	err := w.pool.Call(ctx, w.set.Scheduler, &wire.HeartbeatWorker{
		Address: w.address, Now: unixSeconds(now), Metrics: w.metrics(), Executing: w.exec.durations(now), Extensions: mapOpaque(nil),
	}, &reply)
	if err == nil {
		w.latency.add(time.Since(now))
	}
	switch {
	case err != nil:
		w.logs.Debug("heartbeat failed", "error", err)
		return false
	case reply.Status == "missing":
		if rank(w.Status()) < 0 {
			w.logs.Warn("the scheduler does not know this worker any more")
			w.hangUp()
		}
	case reply.HeartbeatInterval > 0:
		if d := time.Duration(reply.HeartbeatInterval * float64(time.Second)); d != interval {
			w.setBeat(reply.HeartbeatInterval)
		}
	}
	return true
}

// metrics are the figures of a heartbeat.
func (w *Worker) metrics() wire.Metrics {
	s, u := w.stats.Load(), w.set.Process.usage
	_, tick := w.ticks.observed()
	m := wire.Metrics{
		CPU: u.cpu(), Memory: w.set.Process.memoryOf(w), Managed: s.Managed, SpilledMem: s.SpilledMemory, SpilledDisk: s.SpilledDisk,
		Executing: s.Executing, LongRunning: s.LongRunning, Ready: s.Ready, Fetching: s.Fetching, Missing: s.Missing, InMemory: s.InMemory,
		Bandwidth: w.bandwidth(), Tick: tick.Seconds(), FDs: u.files(), Time: unixSeconds(time.Now()),
		Transfer: wire.Transfer{
			InBytes: s.FlightBytes, InCount: s.InFlight, InCountTotal: w.totals.transfersIn.Load(),
			OutBytes: w.sending.Load(), OutCount: int(w.serving.Load()), OutCountTotal: w.totals.transfersOut.Load(),
		},
		Extra: w.extras.metrics(w.ctx, w.wg.Go),
	}
	m.Net, m.Disk = w.hostIO.rates()
	return m
}
