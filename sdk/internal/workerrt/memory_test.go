package workerrt

import "sync/atomic"

// fakeProcess has as many bytes of memory as the test says.
func fakeProcess(bytes *atomic.Int64) *Process {
	p := NewProcess()
	p.usage.sample, p.free = bytes.Load, func() {}
	return p
}
