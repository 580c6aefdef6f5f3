package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// rawChunk is how much the bare reader takes at once.
const rawChunk = 1 << 20

// rawLoopback moves a large block over a bare TCP connection of this machine, to
// memory that is used again, and returns bytes a second: the measure of what a
// transfer of values can reach.
func (r *run) rawLoopback() (float64, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(r.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	var d net.Dialer
	out, err := d.DialContext(r.ctx, "tcp", l.Addr().String())
	if err != nil {
		return 0, errors.Join(err, l.Close())
	}
	in, err := l.Accept()
	if err = errors.Join(err, l.Close()); err != nil {
		return 0, errors.Join(err, out.Close())
	}
	defer func() { _ = in.Close() }()
	data, sent := block(bigBlock, 0), make(chan error, 1)
	start := time.Now()
	go func() {
		_, err := out.Write(data)
		sent <- errors.Join(err, out.Close())
	}()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{in}, make([]byte, rawChunk))
	took := time.Since(start)
	if err = errors.Join(err, <-sent); err == nil && n != bigBlock {
		err = fmt.Errorf("%d bytes of %d came over a bare connection", n, bigBlock)
	}
	return rate(bigBlock, took), err
}

// beside runs a transfer and, where processes are apart, a bare one right
// after it, and returns both in MB a second, and the first in parts of the second.
func (r *run) beside(move func() (float64, error)) ([]float64, error) {
	v, err := move()
	if err != nil || !r.Processes {
		return []float64{v / 1e6}, err
	}
	raw, err := r.rawLoopback()
	return []float64{v / 1e6, raw / 1e6, 100 * v / raw}, err
}

// besideFigures are the figures of beside.
func (r *run) besideFigures(name string) []samples {
	s := []samples{{figure: name, unit: "MB/s"}}
	if r.Processes {
		s = append(s, samples{figure: "raw loopback", unit: "MB/s"}, samples{figure: name + " of raw", unit: "%"})
	}
	return s
}
