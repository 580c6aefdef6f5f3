package config

import (
	"testing"
	"time"
)

func TestOperation(t *testing.T) {
	c := load(t, Sources{}).Config
	if c.Scheduling.Watchdog != Duration(5*time.Minute) || c.Scheduling.DumpDirectory != "" || c.Distributed.Admin.LogLength != 10_000 ||
		c.Distributed.Scheduler.Dashboard.TaskStreamLength() != 100_000 || c.Distributed.Scheduler.HTTP.API() {
		t.Errorf("defaults: %+v, %+v", c.Scheduling, c.Distributed)
	}
	path := write(t, t.TempDir()+"/c.yaml", `
scheduler: { watchdog: 0, dump_directory: /var/dumps }
distributed:
  admin: { log-length: 7 }
  scheduler:
    http: { routes: [distributed.http.scheduler.info, distributed.http.scheduler.api] }
    dashboard: { status: { task-stream-length: 9 }, tasks: { task-stream-length: 8 } }
`)
	c = load(t, Sources{Files: []string{path}}).Config
	if c.Scheduling.Watchdog != 0 || c.Scheduling.DumpDirectory != "/var/dumps" || c.Distributed.Admin.LogLength != 7 ||
		c.Distributed.Scheduler.Dashboard.TaskStreamLength() != 9 || !c.Distributed.Scheduler.HTTP.API() {
		t.Errorf("%+v, %+v", c.Scheduling, c.Distributed)
	}
}
