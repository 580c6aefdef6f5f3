package scheduler

import "time"

// startingNanny is a nanny that has registered and whose worker has not.
type startingNanny struct {
	gdask bool
	since time.Time
}

// startingLimit is how long a nanny counts as starting.
const startingLimit = time.Minute

// registerNanny tells a nanny what to install. Until its worker comes the nanny is
// remembered, so that it misses no plugin that is registered meanwhile.
func (c *call) registerNanny() (any, error) {
	gdask := c.conn.Peer().GDask > 0
	known := c.s.nannyPlugins.of(gdask).message(nil)
	address := c.str("address")
	err := c.s.loop.do(c.ctx, func() {
		if address != "" {
			c.s.loop.nannies[address] = startingNanny{gdask, c.s.loop.now}
		}
	})
	return &tree{object{{"status", "OK"}, {"nanny-plugins", &known}}}, err
}

// startingNannies are those whose workers have not come yet.
func (l *loop) startingNannies(gdask bool) (targets []target) {
	for _, address := range sortedKeys(l.nannies) {
		if l.nannies[address].gdask == gdask {
			targets = append(targets, target{name: address, address: address, ctx: l.s.ctx, starting: true})
		}
	}
	return targets
}

// forgetNannies forgets those whose workers have not come in time.
func (l *loop) forgetNannies() {
	for address, n := range l.nannies {
		if l.now.Sub(n.since) > startingLimit {
			delete(l.nannies, address)
		}
	}
}
