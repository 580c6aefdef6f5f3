//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gdask/gdask"
)

// stepPatience is how long one step of the company may take, whatever the faults:
// nothing may hang.
const stepPatience = 2 * time.Minute

// company uses what keeps state beside tasks, while the graphs run: an actor, a
// queue, a lock and a subscription. Faults may make a step fail; a step that does not
// end, or that ends with what cannot be, is wrong.
type company struct {
	client *gdask.Client
	wg     sync.WaitGroup

	mu    sync.Mutex
	count map[string]int
	wrong []error
}

func newCompany(c *gdask.Client) *company { return &company{client: c, count: map[string]int{}} }

// keep has all of them at work until ctx ends.
func (c *company) keep(ctx context.Context) {
	for name, member := range map[string]func() func(context.Context) error{
		"actor calls": c.actor, "queue items": c.queue, "locks": c.lock, "events": c.events,
	} {
		step := member()
		c.wg.Go(func() { c.repeat(ctx, name, step) })
	}
}

// errWrong is what no fault excuses.
type errWrong struct{ text string }

func (e *errWrong) Error() string { return e.text }

func wrongly(format string, args ...any) error { return &errWrong{fmt.Sprintf(format, args...)} }

func (c *company) repeat(ctx context.Context, name string, step func(context.Context) error) {
	for ctx.Err() == nil {
		bound, cancel := context.WithTimeoutCause(ctx, stepPatience, wrongly("%s: a step had not ended after %v", name, stepPatience))
		err := step(bound)
		if late := context.Cause(bound); late != nil && ctx.Err() == nil {
			err = errors.Join(late, err)
		}
		cancel()
		c.note(name, err)
		wait(ctx, 20*time.Millisecond)
	}
}

func (c *company) note(name string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.As(err, new(*errWrong)):
		c.wrong = append(c.wrong, fmt.Errorf("%s: %w", name, err))
	case err != nil:
		c.count["failed "+name]++
	default:
		c.count[name]++
	}
}

// end waits for all and says what they did, and what was wrong.
func (c *company) end() (string, error) {
	c.wg.Wait()
	var s []string
	for _, name := range slices.Sorted(maps.Keys(c.count)) {
		s = append(s, fmt.Sprintf("%s %d", name, c.count[name]))
	}
	return strings.Join(s, ", "), errors.Join(c.wrong...)
}

// counter is the actor.
type counter struct{ n int }

// Inc counts one more.
func (c *counter) Inc() int { c.n++; return c.n }

var newCounter = gdask.ActorFunc[*counter]("gdask.chaos.counter", func(int) *counter { return &counter{} })

// actor counts with one actor until that is lost, then with another. A call that
// failed may have counted; none counts twice.
func (c *company) actor() func(context.Context) error {
	var future *gdask.Future[gdask.Actor[*counter]]
	var a gdask.Actor[*counter]
	last, unsure, serial := 0, 0, 0
	return func(ctx context.Context) (err error) {
		if future == nil {
			serial++
			f := newCounter.With(gdask.Options{Impure: true}).Submit(c.client, serial)
			if a, err = f.Result(ctx); err != nil {
				f.Release()
				return err
			}
			future, last, unsure = f, 0, 0
		}
		n, err := gdask.Call[int](ctx, a, "Inc").Result(ctx)
		switch {
		case errors.As(err, new(*gdask.ActorLostError)):
			future.Release()
			future = nil
		case err != nil:
			unsure++
		case n <= last || n > last+1+unsure:
			return wrongly("the actor counted %d after %d, with %d calls that may have counted", n, last, unsure)
		default:
			last, unsure = n, 0
		}
		return err
	}
}

// queue puts numbers and takes them. None comes twice, though one whose way to
// here was cut is put back and comes later.
func (c *company) queue() func(context.Context) error {
	q := gdask.NewQueue[int](c.client, "chaos", 0)
	put, got := 0, map[int]bool{}
	return func(ctx context.Context) error {
		put++
		if err := q.Put(ctx, put); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		n, err := q.Get(short)
		if err != nil {
			return err
		}
		if got[n] || n > put {
			return wrongly("the queue gave %d, which had come before: %v; %d were put", n, got[n], put)
		}
		got[n] = true
		return nil
	}
}

// locked is a task that takes a lock for a moment.
var locked = gdask.Func[bool]("gdask.chaos.locked", func(ctx context.Context, serial int) (_ bool, err error) {
	c, err := gdask.TaskClient(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	l := gdask.NewLock(c, "chaos")
	if err := l.Lock(ctx); err != nil {
		return false, err
	}
	wait(ctx, time.Duration(serial%20)*time.Millisecond)
	return true, l.Unlock(ctx)
})

// lock has two tasks contend for a lock. A holder that dies or freezes must not keep it.
func (c *company) lock() func(context.Context) error {
	serial := 0
	return func(ctx context.Context) error {
		serial += 2
		var err error
		fs := []*gdask.Future[bool]{locked.Submit(c.client, serial), locked.Submit(c.client, serial+1)}
		for _, f := range fs {
			_, failed := f.Result(ctx)
			err = errors.Join(err, failed)
		}
		gdask.Release(fs...)
		return err
	}
}

// events hears of what is published. Events may be lost with a connection, or come
// again after it; none comes before an earlier one.
func (c *company) events() func(context.Context) error {
	var s *gdask.Subscription
	sent, heard := 0, 0
	return func(ctx context.Context) (err error) {
		if s == nil {
			if s, err = c.client.Subscribe("chaos"); err != nil {
				return err
			}
		}
		sent++
		if err := c.client.LogEvent(sent, "chaos"); err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		e, err := s.Next(short)
		if err != nil {
			return err
		}
		n, err := gdask.TopicMsg[int](e)
		if err == nil && n > sent {
			err = wrongly("event %d was heard after %d were sent, the last one %d", n, sent, heard)
		}
		heard = n
		return err
	}
}
