package config

import (
	"path/filepath"
	"slices"
	"time"
)

// HTTP are the keys below distributed.scheduler.http.
type HTTP struct {
	// Routes are Dask's modules of pages. gdask has its pages anyway, and looks only
	// for the one that acts, see [HTTP.API].
	Routes []string `koanf:"routes"`
}

// API says whether the routes ask for the pages that act.
func (h *HTTP) API() bool { return slices.Contains(h.Routes, "distributed.http.scheduler.api") }

// Dashboard are the keys below distributed.scheduler.dashboard.
type Dashboard struct {
	Status TaskStream `koanf:"status"`
	Tasks  TaskStream `koanf:"tasks"`
}

// TaskStream is the key for one page.
type TaskStream struct {
	// Length is how many runs of tasks are remembered once somebody asked for them.
	Length int `koanf:"task-stream-length"`
}

// TaskStreamLength is the length that serves both pages.
func (d *Dashboard) TaskStreamLength() int { return max(d.Status.Length, d.Tasks.Length) }

// leastWatchdog is the shortest time that says something: workers tell what they
// do once a second or so.
const leastWatchdog = 5 * time.Second

func (o *Scheduling) validate(p *problems) {
	if d := time.Duration(o.Watchdog); d != 0 && d < leastWatchdog {
		p.add("scheduler.watchdog is %v; give %v or more, or 0 to switch it off", d, leastWatchdog)
	}
	if o.DumpDirectory != "" && !filepath.IsAbs(o.DumpDirectory) {
		p.add("scheduler.dump-directory is %q; give an absolute path", o.DumpDirectory)
	}
}
