package client

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/core/dump"
)

// Dump says what DumpClusterState writes.
type Dump struct {
	// Format is msgpack, yaml or json; "": what the file's name says, or msgpack.
	Format string
	// Exclude are the names of fields to leave out; nil leaves out run_spec.
	Exclude []string
}

func (d *Dump) exclude() []any {
	names := d.Exclude
	if names == nil {
		names = []string{"run_spec"}
	}
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// DumpClusterState writes all that scheduler and workers know to a file, in the
// form of Dask's dumps, and returns the file's name: with the format's suffix.
func (c *Client) DumpClusterState(ctx context.Context, path string, d Dump) (string, error) {
	name, format, err := dump.File(path, d.Format)
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	o, err := c.call(ctx, "get_cluster_state", "exclude", d.exclude())
	if err != nil {
		return "", err
	}
	if err := dump.Create(dump.Anywhere{}, name, format, o.Raw); err != nil {
		return "", fmt.Errorf("client: dump of the cluster's state: %w", err)
	}
	return name, nil
}

// DumpOnScheduler has the scheduler write the dump to a file below the directory
// that its operator allowed.
func (c *Client) DumpOnScheduler(ctx context.Context, path string, d Dump) error {
	_, format, err := dump.File(path, d.Format)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	_, err = c.call(ctx, "dump_cluster_state_to_url", "url", path, "exclude", d.exclude(), "format", format)
	return err
}
