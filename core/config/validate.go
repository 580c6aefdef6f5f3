package config

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gdask/gdask/core/units"
	"github.com/gdask/gdask/sdk/nearest"
)

var (
	pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	className  = regexp.MustCompile(`^([a-z][a-z0-9-]{0,62}|([A-Za-z_.]+\.)?(Worker|Nanny))$`)
	checksum   = regexp.MustCompile(`^sha256:[0-9a-fA-F]{64}$`)
	logLevels  = []string{"trace", "debug", "info", "warn", "error", "off"}
)

// problems collects what is wrong with values.
type problems []error

func (p *problems) add(format string, args ...any) {
	*p = append(*p, fmt.Errorf("config: "+format, args...))
}

// oneOf checks a word of a fixed list; "" is allowed.
func (p *problems) oneOf(key, value string, words ...string) {
	if value != "" && !slices.Contains(words, value) {
		p.add("%s is %q; use %s%s", key, value, strings.Join(words, ", "), nearest.Hint(value, words))
	}
}

func (p *problems) atLeast(key string, value, limit float64) {
	if value < limit {
		p.add("%s is %v; give %v or more", key, value, limit)
	}
}

// Validate reports everything that is wrong with the values, joined.
func (c *Config) Validate() error {
	var p problems
	if c.WorkerClass != "" && !className.MatchString(c.WorkerClass) {
		p.add("worker-class is %q; use the name of a builtin class or plugin: lower case letters, digits and -", c.WorkerClass)
	}
	if name := strings.TrimSuffix(c.Protocol, "://"); name != "" && !pluginName.MatchString(name) {
		p.add("protocol is %q; use a scheme such as tcp, unix or inproc", c.Protocol)
	}
	p.oneOf("log-level", c.LogLevel, logLevels...)
	p.oneOf("scheduler.unsatisfiable", c.Scheduling.Unsatisfiable, UnsatisfiableFail, UnsatisfiableWait)
	c.Cluster.validate(&p)
	c.Plugins.validate(&p)
	c.Scheduling.validate(&p)
	c.Distributed.validate(&p)
	return errors.Join(p...)
}

func (c *Cluster) validate(p *problems) {
	if c.NWorkers != nil {
		p.atLeast("cluster.n-workers", float64(*c.NWorkers), 0)
	}
	if c.ThreadsPerWorker != nil {
		p.atLeast("cluster.threads-per-worker", float64(*c.ThreadsPerWorker), 1)
	}
	if c.SchedulerPort < 0 || c.SchedulerPort > 65535 {
		p.add("cluster.scheduler-port is %d; give 1 to 65535, or 0 for a free one", c.SchedulerPort)
	}
	if err := checkMemoryLimit(c.MemoryLimit); err != nil {
		p.add("cluster.memory-limit: %w", err)
	}
}

func checkMemoryLimit(s string) error {
	switch s {
	case "", "auto", "none":
		return nil
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 {
		return nil
	}
	_, err := units.ParseBytes(s)
	return err
}

func (c *Plugins) validate(p *problems) {
	for _, d := range c.Dirs {
		if !filepath.IsAbs(d) {
			p.add("plugins.dirs has %q; plugin directories are absolute paths", d)
		}
	}
	for kind, named := range map[string]map[string]Plugin{"worker": c.Worker, "comm": c.Comm, "cluster": c.Cluster, "graph": c.Graph} {
		for _, name := range slices.Sorted(maps.Keys(named)) {
			key := "plugins." + kind + "." + name
			if !pluginName.MatchString(name) {
				p.add("%s: plugin names are lower case letters, digits and -, and begin with a letter", key)
			}
			plugin := named[name]
			plugin.validate(p, key)
		}
	}
}

func (c *Plugin) validate(p *problems, key string) {
	if c.Cmd != "" && !filepath.IsAbs(c.Cmd) {
		p.add("%s.cmd is %q; give the absolute path of the executable", key, c.Cmd)
	}
	if c.Checksum != "" && !checksum.MatchString(c.Checksum) {
		p.add("%s.checksum is %q; write sha256: and 64 hexadecimal digits, as `gdask plugin verify` prints them", key, c.Checksum)
	}
	p.oneOf(key+".run", c.Run, "process", "inprocess")
	p.oneOf(key+".mtls", c.MTLS, "auto", "on", "off")
	p.oneOf(key+".restart.policy", c.Restart.Policy, "never", "on-failure", "always")
	p.atLeast(key+".restart.max", float64(c.Restart.Max), 0)
	if c.Config != nil && c.ConfigFile != "" {
		p.add("%s has config and config-file; use one", key)
	}
	if c.Cmd != "" && c.Run == "inprocess" {
		p.add("%s has a cmd and run: inprocess; only builtins run in process", key)
	}
}

func (c *Distributed) validate(p *problems) {
	s := &c.Scheduler
	p.atLeast("distributed.admin.log-length", float64(c.Admin.LogLength), 1)
	p.atLeast("distributed.scheduler.dashboard.status.task-stream-length", float64(s.Dashboard.Status.Length), 1)
	p.atLeast("distributed.scheduler.dashboard.tasks.task-stream-length", float64(s.Dashboard.Tasks.Length), 1)
	p.atLeast("distributed.scheduler.allowed-failures", float64(s.AllowedFailures), 0)
	p.atLeast("distributed.scheduler.bandwidth", float64(s.Bandwidth), 1)
	if !(s.WorkerSaturation > 0) {
		p.add("distributed.scheduler.worker-saturation is %v; give more than 0, or inf", s.WorkerSaturation)
	}
	if s.Locks.LeaseValidationInterval <= 0 {
		p.add("distributed.scheduler.locks.lease-validation-interval is %v; give more than 0", time.Duration(s.Locks.LeaseValidationInterval))
	}
	if s.Locks.LeaseTimeout <= 0 {
		p.add("distributed.scheduler.locks.lease-timeout is %v; give more than 0", time.Duration(s.Locks.LeaseTimeout))
	}
	p.atLeast("distributed.admin.low-level-log-length", float64(c.Admin.LowLevelLogLength), 1)
	if s.WorkStealingInterval <= 0 {
		p.add("distributed.scheduler.work-stealing-interval is %v; give more than 0, or work-stealing: false", time.Duration(s.WorkStealingInterval))
	}
	s.MemoryManager.validate(p)
	c.Worker.Memory.Rebalance.validate(p)
	if d := c.Worker.Memory.RecentToOldTime; d <= 0 {
		p.add("distributed.worker.memory.recent-to-old-time is %v; give more than 0", time.Duration(d))
	}
	for name, d := range s.DefaultTaskDurations {
		if d <= 0 {
			p.add("distributed.scheduler.default-task-durations.%s is %v; give more than 0", name, time.Duration(d))
		}
	}
	for name, n := range c.Worker.Resources {
		if !(n >= 0) {
			p.add("distributed.worker.resources.%s is %v; give 0 or more", name, n)
		}
	}
	c.Worker.Memory.validate(p)
	p.atLeast("distributed.worker.lifetime.duration", time.Duration(c.Worker.Lifetime.Duration).Seconds(), 0)
	p.atLeast("distributed.worker.lifetime.stagger", time.Duration(c.Worker.Lifetime.Stagger).Seconds(), 0)
	p.atLeast("distributed.worker.connections.incoming", float64(c.Worker.Connections.Incoming), 1)
	p.atLeast("distributed.worker.connections.outgoing", float64(c.Worker.Connections.Outgoing), 1)
	p.atLeast("distributed.worker.transfer.message-bytes-limit", float64(c.Worker.Transfer.MessageBytesLimit), 1)
	for name, d := range map[string]Duration{"connect": c.Comm.Timeouts.Connect, "tcp": c.Comm.Timeouts.TCP} {
		if d <= 0 {
			p.add("distributed.comm.timeouts.%s is %v; give more than 0", name, time.Duration(d))
		}
	}
	p.oneOf("distributed.comm.default-scheme", strings.TrimSuffix(c.Comm.DefaultScheme, "://"), "tcp", "tls", "inproc", "ws", "wss", "unix")
}

func (m *Memory) validate(p *problems) {
	for _, f := range []struct {
		key  string
		part Fraction
	}{{"target", m.Target}, {"spill", m.Spill}, {"pause", m.Pause}, {"terminate", m.Terminate}, {"transfer", m.Transfer}} {
		if !(f.part >= 0 && f.part <= 1) {
			p.add("distributed.worker.memory.%s is %v; give a fraction of the memory limit up to 1, or false", f.key, f.part)
		}
	}
	p.atLeast("distributed.worker.memory.max-spill", float64(m.MaxSpill), 0)
	p.oneOf("distributed.worker.memory.spill-compression", m.SpillCompression, "auto", "none", "false", "lz4", "snappy", "zlib", "zstd", "blosc")
}
