package inproc

import (
	"net"
	"sync"
)

// listener queues the far ends of dialled connections.
type listener struct {
	t      *Transport
	addr   addr
	queue  chan *conn
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, l.errClosed()
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, l.errClosed()
	}
}

func (l *listener) errClosed() error {
	return &net.OpError{Op: "accept", Net: Name, Addr: l.addr, Err: net.ErrClosed}
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// Close implements net.Listener: connections that nobody accepted are closed.
func (l *listener) Close() error {
	err := l.errClosed()
	l.once.Do(func() {
		l.t.mu.Lock()
		delete(l.t.listeners, string(l.addr))
		l.t.mu.Unlock()
		close(l.closed)
		l.drain()
		err = nil
	})
	return err
}

func (l *listener) drain() {
	for {
		select {
		case c := <-l.queue:
			_ = c.Close()
		default:
			return
		}
	}
}
