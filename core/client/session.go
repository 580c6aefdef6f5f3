package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// link is one connection with the scheduler.
type link struct {
	conn   *wire.Conn
	stream *wire.Stream
	heard  chan struct{} // capacity 1: something was received
}

// end closes the connection and waits for the writer.
func (l *link) end() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = l.stream.Close(ctx, false) // the reader knows why it ended
}

// connect dials, registers and waits for the scheduler's word to start.
func (c *Client) connect(ctx context.Context) (*link, error) {
	nc, err := c.set.Transports.Dial(ctx, c.address)
	if err != nil {
		return nil, err
	}
	conn, err := wire.NewConn(ctx, nc, c.set.Wire)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := c.register(conn); err != nil {
		_ = conn.Close()
		return nil, errors.Join(err, ctx.Err())
	}
	return &link{conn: conn, stream: wire.NewStream(conn), heard: make(chan struct{}, 1)}, nil
}

func (c *Client) register(conn *wire.Conn) error {
	if err := conn.Send(&wire.RegisterClient{Client: c.id, Worker: c.set.Worker}); err != nil {
		return err
	}
	in, err := conn.Recv()
	if err != nil {
		return err
	}
	if len(in.Msgs) != 1 {
		return fmt.Errorf("the scheduler opened with %d messages, want stream-start alone; is this a scheduler's address?", len(in.Msgs))
	}
	start, ok := in.Msgs[0].(*wire.StreamStart)
	if !ok {
		return fmt.Errorf("the scheduler opened with %q, want stream-start; is this a scheduler's address?", in.Msgs[0].Op())
	}
	if start.Error != "" {
		return fmt.Errorf("the scheduler refused this client: %s", start.Error)
	}
	if start.Warning != "" {
		c.set.Logger.Warn("scheduler says", "warning", start.Warning)
	}
	return nil
}

// own reads from one link after the other until the client closes or the
// scheduler stays away.
func (c *Client) own(l *link) {
	for {
		// A Close that came while the link was being made anew does not know it.
		stop := context.AfterFunc(c.ctx, func() { _ = l.conn.Close() })
		cause := c.read(l)
		stop()
		l.end()
		if c.ctx.Err() != nil || c.Err() != nil {
			return
		}
		if errors.Is(cause, errGoodBye) { // it ended on purpose: there is nothing to come back to
			c.lost(cause)
			return
		}
		c.set.Logger.Warn("lost the scheduler; trying to come back", "address", c.address, "grace", c.set.Grace, "error", cause)
		c.mu.Lock()
		c.link = nil
		c.unheard.marks, c.unheard.sent = nil, len(c.unheard.said) // no answer will come
		c.mu.Unlock()
		next, err := c.comeBack()
		if err != nil {
			c.lost(errors.Join(cause, err))
			return
		}
		l = next
	}
}

// lost fails what is open, for good.
func (c *Client) lost(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.failLocked(&ConnectionError{Address: c.address, Err: cause})
	}
}

// comeBack tries to connect within the grace period and asks again for all keys.
func (c *Client) comeBack() (*link, error) {
	if c.set.Grace < 0 {
		return nil, errors.New("coming back is switched off")
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.set.Grace)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		l, err := c.connect(ctx)
		if err == nil {
			c.resume(l)
			return l, nil
		}
		if sleep(ctx, pause) != nil {
			return nil, fmt.Errorf("did not come back within %v: %w", c.set.Grace, err)
		}
	}
}

// resume makes l the link: first what may be unheard, then the wish for every
// key and the question what became of it.
func (c *Client) resume(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.link = l
	c.resubscribe()
	c.repeat()
	keys := make([]wire.Key, 0, c.table.Len())
	asks := make([]wire.Msg, 0, c.table.Len()+1)
	for s := range c.table.All() {
		if s.status == Cancelled || s.status == Erred {
			continue
		}
		keys = append(keys, s.key)
		asks = append(asks, &wire.ReportKey{Key: s.key})
		if s.status == Finished {
			s.reopen(Lost)
		}
	}
	if len(keys) > 0 {
		c.say(&wire.ClientDesiresKeys{Keys: keys, Client: c.id})
		c.say(asks...)
	}
	c.set.Logger.Info("back at the scheduler", "address", c.address, "keys", len(keys))
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heartbeats keeps the session alive and notices a scheduler that is connected
// but frozen: silence is counted in beats, not in time, so that a pause of this
// process is not mistaken for one of the scheduler.
func (c *Client) heartbeats() {
	t := time.NewTicker(c.set.Heartbeat)
	defer t.Stop()
	silent := 0
	for {
		select {
		case <-c.ctx.Done():
			return
		case s := <-c.interval:
			t.Reset(max(time.Duration(s*float64(time.Second)), time.Millisecond))
		case <-t.C:
			silent = c.beat(silent)
		}
	}
}

func (c *Client) beat(silent int) int {
	c.mu.Lock()
	l := c.link
	if l != nil && c.err == nil {
		c.heartbeat()
	}
	c.mu.Unlock()
	if l == nil {
		return 0
	}
	select {
	case <-l.heard:
		return 0
	default:
	}
	if silent++; silent > c.set.MissedHeartbeats {
		c.set.Logger.Warn("scheduler is silent; giving the connection up", "address", c.address, "heartbeats", silent)
		_ = l.conn.Close()
		return 0
	}
	return silent
}
