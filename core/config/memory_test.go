package config

import (
	"strings"
	"testing"
	"time"
)

// TestMemoryKeys: Dask's keys of workers' memory, as files and variables say them.
func TestMemoryKeys(t *testing.T) {
	others := Default().Distributed.Worker.Memory
	defaults := load(t, Sources{}).Config.Distributed.Worker.Memory
	if want := (Memory{
		Target: 0.6, Spill: 0.7, Pause: 0.8, Terminate: 0.95, Transfer: 0.1, SpillCompression: "auto", MonitorInterval: Duration(100 * time.Millisecond),
		RecentToOldTime: others.RecentToOldTime, Rebalance: others.Rebalance,
	}); defaults != want {
		t.Errorf("defaults %+v", defaults)
	}
	path := write(t, t.TempDir()+"/c.yaml", "distributed: {worker: {memory: {target: false, spill: 0.65, pause: 0.9, transfer: 0.2, "+
		"max-spill: 10 GB, spill-compression: false, monitor-interval: 50ms}}}")
	got := load(t, Sources{Files: []string{path}, Env: []string{"DASK_DISTRIBUTED__WORKER__MEMORY__SPILL=False"}}).Config.Distributed.Worker.Memory
	if want := (Memory{
		Spill: 0.65, Pause: 0.9, Terminate: 0.95, Transfer: 0.2, MaxSpill: 10e9, SpillCompression: "false", MonitorInterval: Duration(50 * time.Millisecond),
		RecentToOldTime: others.RecentToOldTime, Rebalance: others.Rebalance,
	}); got != want {
		t.Errorf("got %+v", got)
	}
	if m := load(t, Sources{Env: []string{"DASK_DISTRIBUTED__WORKER__MEMORY__MAX_SPILL=False"}}).Config.Distributed.Worker.Memory; m.MaxSpill != 0 {
		t.Errorf("max-spill: false is %v", m.MaxSpill)
	}
	for text, want := range map[string]string{
		"spill: 70": "distributed.worker.memory.spill is 70; give a fraction", "max-spill: lots": "lots",
		"spill-compression: zip": `distributed.worker.memory.spill-compression is "zip"; use auto, none`, "max-spill: true": "true",
	} {
		path := write(t, t.TempDir()+"/bad.yaml", "distributed: {worker: {memory: {"+text+"}}}")
		if _, err := Load(Sources{Files: []string{path}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
