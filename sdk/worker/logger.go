package worker

import "github.com/hashicorp/go-hclog"

// LogTo gives the class a logger unless it was made with one: a plugin process
// sends its workers' lines to the host this way. It must be called before the
// first worker is started.
func (c *Class) LogTo(l hclog.Logger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.logger == nil {
		c.opts.logger = l
	}
}
