package scheduler

import (
	"errors"
	"fmt"
	"os"

	"github.com/gdask/gdask/core/dump"
)

// writeDump writes the state to a file below the allowed directory, from which
// neither name nor links lead away.
func (s *Scheduler) writeDump(c *call, name, format string) (err error) {
	root, err := os.OpenRoot(s.set.DumpDirectory)
	if err != nil {
		return fmt.Errorf("dump_cluster_state_to_url: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	defer c.attend()()
	over, err := s.dumpTurn(c.ctx)
	if err != nil {
		return err
	}
	defer over()
	o, err := s.clusterState(c.ctx, c.exclude())
	if err != nil {
		return err
	}
	raw, err := appendTree(nil, o)
	if err != nil {
		return err
	}
	if err := dump.Create(root, name, format, raw); err != nil {
		return fmt.Errorf("dump_cluster_state_to_url: write below %s: %w", s.set.DumpDirectory, err)
	}
	s.log.info("state dumped at a client's request", "file", name, "directory", s.set.DumpDirectory)
	return nil
}
