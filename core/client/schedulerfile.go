package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// filePoll is the time between two looks for a scheduler file.
const filePoll = 50 * time.Millisecond

// AddressFromFile reads the scheduler's address from a scheduler file. It waits
// until the file is there and whole, or for the end of ctx.
func AddressFromFile(ctx context.Context, path string) (string, error) {
	start := time.Now()
	for {
		address, err := readAddress(path)
		if err == nil {
			return address, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNotWhole) {
			return "", fmt.Errorf("scheduler file: %w", err)
		}
		if sleep(ctx, filePoll) != nil {
			return "", fmt.Errorf("scheduler file %s has no address after %v (%w): %w; is a scheduler started with --scheduler-file?",
				path, time.Since(start).Round(time.Millisecond), err, context.Cause(ctx))
		}
	}
}

var errNotWhole = errors.New("not a scheduler file, or not written to its end")

func readAddress(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var id struct {
		Address string `json:"address"`
	}
	if json.Unmarshal(b, &id) != nil || id.Address == "" {
		return "", errNotWhole
	}
	return id.Address, nil
}

// WriteSchedulerFile writes what clients and workers need to find the scheduler: its
// identity as JSON. A client writes only one such file.
func (c *Client) WriteSchedulerFile(ctx context.Context, path string) error {
	c.mu.Lock()
	was := c.file
	c.mu.Unlock()
	if was != "" {
		return fmt.Errorf("client: this client belongs to the scheduler file %s already; it cannot write %s as well", was, path)
	}
	identity, err := c.SchedulerInfo(ctx)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(identity, "", "  ")
	if err != nil {
		return fmt.Errorf("client: scheduler file %s: %w", path, err)
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return fmt.Errorf("client: scheduler file: %w", errors.Join(err, os.RemoveAll(path+".new")))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("client: scheduler file: %w", errors.Join(err, os.Remove(path+".new")))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.file = path
	return nil
}
