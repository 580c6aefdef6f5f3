package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// shrink ends workers once what only they hold is with others. Those whose data
// has nowhere to go stay, unless all are to end. A new call of Scale meanwhile
// ends the attempt.
func (c *Local) shrink(extra []*member, all bool) error {
	var kept map[string]string
	var err error
	if !all {
		kept, err = c.retire(extra)
	}
	var stay, going []*member
	for _, m := range extra {
		if ended(m) {
			going = append(going, m)
		} else if _, keep := kept[m.handle.Name()]; keep || err != nil {
			stay = append(stay, m)
		} else {
			going = append(going, m)
		}
	}
	c.mu.Lock()
	stay = slices.DeleteFunc(stay, func(m *member) bool {
		if m.leaving = false; ended(m) { // its watch may have looked before
			going = append(going, m)
			return true
		}
		return false
	})
	c.mu.Unlock()
	if len(going) > 0 {
		ctx, cancel := context.WithTimeout(c.ctx, c.set.CloseTimeout)
		defer cancel()
		err = errors.Join(err, c.stopAll(ctx, going, "the cluster scales down"))
		c.mu.Lock()
		c.workers = slices.DeleteFunc(c.workers, func(m *member) bool { return slices.Contains(going, m) })
		c.mu.Unlock()
	}
	return errors.Join(err, c.whyKept(stay, kept))
}

func ended(m *member) bool {
	select {
	case <-m.handle.Done():
		return true
	default:
		return false
	}
}

// retire prepares the end of workers, for which the scheduler lets go of them.
func (c *Local) retire(ms []*member) (map[string]string, error) {
	names := make([]string, len(ms))
	for i, m := range ms {
		names[i] = m.handle.Name()
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	over := make(chan struct{})
	c.wg.Go(func() {
		select {
		case <-over:
		case <-c.poke: // another number is wanted: look again
			cancel()
			select {
			case c.poke <- struct{}{}:
			default:
			}
		}
	})
	kept, err := c.set.Scheduler.RetireWorkers(ctx, names, c.set.RetireTimeout)
	close(over)
	if err != nil && ctx.Err() != nil && c.ctx.Err() == nil {
		return everyone(ms), nil
	}
	if err != nil {
		err = fmt.Errorf("retire the workers %s: %w", strings.Join(names, ", "), err)
	}
	return kept, err
}

// everyone stays for the time being.
func everyone(ms []*member) map[string]string {
	kept := map[string]string{}
	for _, m := range ms {
		kept[m.handle.Name()] = ""
	}
	return kept
}

// whyKept is the error that tells which workers stay, and why.
func (c *Local) whyKept(stay []*member, kept map[string]string) error {
	var errs []error
	for _, m := range stay {
		if why := kept[m.handle.Name()]; why != "" {
			errs = append(errs, fmt.Errorf("cluster %s: worker %s stays: %s; scale to a number of workers that can hold the data, or to 0",
				c.set.Name, m.handle.Name(), why))
		}
	}
	return errors.Join(errs...)
}
