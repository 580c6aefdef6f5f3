package workerrt

import (
	"sync"
	"time"
)

const (
	// assumedBandwidth is what Dask's schedulers are told before anything was
	// measured, in bytes per second.
	assumedBandwidth = 100e6
	// measuredBytes is the least size of a transfer that says something of the
	// network rather than of latency.
	measuredBytes = 1_000_000
)

// speed is the learned speed of transfers from peers.
type speed struct {
	mu   sync.Mutex
	mean float64 // bytes per second; 0: nothing measured
}

// add learns from a transfer: the mean follows a twentieth of the difference.
func (s *speed) add(nbytes int64, took time.Duration) {
	if nbytes <= measuredBytes {
		return
	}
	rate := float64(nbytes) / max(took, time.Millisecond).Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mean == 0 {
		s.mean = assumedBandwidth
	}
	s.mean += (rate - s.mean) / 20
}

func (s *speed) get() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mean
}

// latency is the learned time of a heartbeat and its answer.
type latency struct {
	mu   sync.Mutex
	mean time.Duration
}

func (l *latency) add(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mean == 0 {
		l.mean = took
	}
	l.mean += (took - l.mean) / 20
}

func (l *latency) get() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mean
}

// bandwidth is what a heartbeat says of the speed of transfers. Dask's
// schedulers believe any number; gdask's know zero as nothing measured.
func (w *Worker) bandwidth() float64 {
	b := w.speed.get()
	if c := w.session.Load(); b == 0 && (c == nil || c.Peer().GDask == 0) {
		return assumedBandwidth
	}
	return b
}
