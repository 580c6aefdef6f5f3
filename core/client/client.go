package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/wire/keytable"
)

// Client is one session with a scheduler.
type Client struct {
	address string
	id      string
	set     Settings
	pool    *wire.Pool
	actors  *actor.Caller

	ctx    context.Context // ends when the client closes
	cancel context.CancelFunc
	wg     sync.WaitGroup // owner goroutine, heartbeats, releases, watchers

	mu        sync.Mutex
	table     *keytable.Table[state]
	link      *link      // nil while the connection is lost
	unheard   unheard    // what the scheduler may not know yet
	released  []wire.Key // keys to be released
	flush     chan struct{}
	err       error // why the client is of no use any more
	info      Info
	dealt     int // values that were scattered, to go on in turn
	byRef     bool
	peer      wire.Peer
	interval  chan float64 // heartbeat intervals that the scheduler asked for
	callbacks callbacks
	file      string // the scheduler file that it came from or has written
	topics    map[string][]*Subscription
}

// Dial connects to the scheduler at address and opens a session; ctx bounds
// that, not the session's life.
func Dial(ctx context.Context, address string, s Settings) (*Client, error) {
	if s.Transports == nil {
		return nil, errors.New("client: Settings.Transports is empty; give the transports that may be dialled")
	}
	c := &Client{
		address: address, id: newID(s.Name), file: s.SchedulerFile, set: s.withDefaults(),
		table: newTable(), flush: make(chan struct{}, 1), interval: make(chan float64, 1),
	}
	l, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: cannot open a session with the scheduler at %s: %w", address, err)
	}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.pool = wire.NewPool(c.set.Transports.Dial, c.set.Wire, c.set.ConnectionLimit)
	c.actors = &actor.Caller{Pool: c.pool, Scheduler: address, Watch: c.set.WatchFetch}
	c.link, c.byRef, c.peer = l, l.conn.ByReference(), l.conn.Peer()
	c.wg.Go(func() { c.own(l) })
	c.wg.Go(c.heartbeats)
	c.wg.Go(c.releases)
	return c, nil
}

func newID(name string) string {
	if name != "" {
		name += "-"
	}
	return "Client-" + name + strings.ToLower(rand.Text())
}

// ID is the name under which the scheduler knows this client.
func (c *Client) ID() string { return c.id }

// Address is the scheduler's address as it was dialled.
func (c *Client) Address() string { return c.address }

// ByReference says that the scheduler lives in this process and that values
// pass as they are, unencoded.
func (c *Client) ByReference() bool { return c.byRef }

// Pool is the client's pool of connections, for requests of its owner.
func (c *Client) Pool() *wire.Pool { return c.pool }

// Err is why the client is of no use any more, or nil.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the session: the scheduler forgets this client's wishes, futures
// that have no result fail with [ErrClosed]. ctx bounds the good-bye. A second
// Close does nothing.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	if errors.Is(c.err, ErrClosed) {
		c.mu.Unlock()
		return nil
	}
	l := c.link
	c.failLocked(ErrClosed)
	c.mu.Unlock()
	var err error
	if l != nil {
		l.stream.Send(&wire.CloseClient{})
		err = l.stream.Close(ctx, true)
	}
	c.cancel()
	err = errors.Join(err, c.pool.Close())
	c.wg.Wait()
	c.callbacks.close(ctx)
	if err != nil {
		return fmt.Errorf("client: good-bye to scheduler %s: %w", c.address, err)
	}
	return nil
}

// failLocked ends all futures that are not settled; c.mu is held.
func (c *Client) failLocked(err error) {
	c.err, c.link, c.unheard = err, nil, unheard{}
	for s := range c.table.All() {
		if !s.status.settled() {
			c.settle(s, Erred, err)
		}
	}
	for _, subs := range c.topics {
		for _, s := range subs {
			s.signal()
		}
	}
}

// say sends messages now, or when the connection is back. c.mu is held, so what
// is said about one key stays in order.
func (c *Client) say(ms ...wire.Msg) {
	if c.err != nil {
		return
	}
	if c.peer.GDask > 0 && !c.byRef { // others do not answer heartbeats, and no memory is lost
		c.unheard.keep(c.id, ms)
	} else if c.link == nil {
		c.unheard.said = append(c.unheard.said, ms...)
	}
	if c.link == nil {
		return
	}
	c.link.stream.Send(ms...)
	if c.unheard.since >= confirmEvery {
		c.heartbeat()
	}
}

// heartbeat says that the client lives; the answer confirms what was said
// before. c.mu is held, and there is a link.
func (c *Client) heartbeat() {
	c.unheard.mark()
	c.link.stream.Send(&wire.HeartbeatClient{})
}
