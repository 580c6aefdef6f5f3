package gdask

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/core/nanny"
	"github.com/gdask/gdask/core/scheduler"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/worker"
)

// Worker classes that are built in.
const (
	ClassThreadpool = "threadpool" // task slots in one process
	ClassSubprocess = "subprocess" // the same in a supervised child process
)

// LocalOptions say what a local cluster is made of. The zero value fits it to
// the machine: worker processes and threads by the number of usable cores.
type LocalOptions struct {
	// Name of the cluster; "" gives 8 random hexadecimal digits.
	Name string
	// NWorkers and ThreadsPerWorker are derived from the cores where nil; no
	// workers (new(0)) is an empty cluster that can be scaled.
	NWorkers         *int
	ThreadsPerWorker *int
	// Processes runs each worker in a process of its own; nil says yes unless the
	// worker class is threadpool. Without processes values pass by reference.
	Processes *bool
	// WorkerClass is a builtin class or the name of a plugin; "" is subprocess
	// with processes and threadpool without. Dask's names Nanny and Worker are
	// understood.
	WorkerClass string
	// Protocol is tcp, unix or inproc; "" is inproc without processes and tcp else.
	Protocol string
	// Host is the address to listen on, with or without a scheme; "" is loopback.
	Host string
	// SchedulerPort is the scheduler's port; 0 is a free one.
	SchedulerPort int
	// DashboardAddress is where the scheduler's HTTP server listens, such as
	// ":8787" (on loopback); "" is a free port on loopback, "none" switches it off.
	DashboardAddress string
	// WorkerDashboardAddress is where each worker serves /health and /metrics, such
	// as "127.0.0.1:0"; "" is nowhere.
	WorkerDashboardAddress string
	// MemoryLimit of each worker: "auto" or "" for an even share of the machine,
	// "0" for none, a fraction such as "0.5", or an amount such as "2GiB".
	MemoryLimit string
	// MemoryPolicy says at which part of its limit a worker process is ended and
	// started again; nil means Dask's default, 95 %.
	MemoryPolicy *nanny.Policy
	// Memory says what workers do as their memory fills: when values go to disk and
	// when a worker pauses. nil means Dask's defaults.
	Memory *worker.Memory
	// Resources that each worker has, by name.
	Resources map[string]float64
	// LocalDirectory is where workers keep files; "" is a private one each.
	LocalDirectory string
	// PluginDirs are searched for plugins before the usual places.
	PluginDirs []string
	// Plugins are the settings of worker classes by name; StrictPlugins refuses
	// external plugins without a checksum.
	Plugins       map[string]plugins.ClassSettings
	StrictPlugins bool
	// DeathTimeout is how long a worker may take to join; 0 means as long as the
	// start of the cluster.
	DeathTimeout time.Duration
	// Lifetime is how long workers live before they retire; the zero value is for ever.
	Lifetime plugins.Lifetime
	// Env are variables of worker processes. They win over those of this process, and
	// those over Nanny.Environ.
	Env map[string]string
	// Nanny says how worker processes are supervised besides: their environment, what
	// runs when they start, and what their nannies do not answer.
	Nanny plugins.NannySettings
	// Preload and SchedulerPreload are registered functions and executables that run
	// when workers or the scheduler start and end.
	Preload, SchedulerPreload hook.Preload
	// BlockedHandlers and WorkerBlockedHandlers are operations that the scheduler or
	// workers do not answer.
	BlockedHandlers, WorkerBlockedHandlers []string
	// Tuning are sizes and times of workers: log lengths, connections between them
	// and timeouts.
	Tuning worker.Tuning
	// IdleTimeout ends the scheduler and its workers when no task ran or changed
	// its state for so long; 0 means never. See LocalCluster.Done.
	IdleTimeout time.Duration
	// ClientGrace is how long the futures of a client outlive its connection; 0
	// means 30 s, negative not at all.
	ClientGrace time.Duration
	// PeerTimeout is how long a worker or client may read nothing of what the
	// scheduler sends before it counts as dead; 0 means 60 s.
	PeerTimeout time.Duration
	// GraphReader reads the graphs of Python clients; nil refuses them.
	GraphReader scheduler.GraphReader
	// Scheduler configures the scheduler's machine; nil means Dask's defaults.
	Scheduler *state.Config
	// Operation is what the scheduler remembers and shows for those who operate it.
	Operation OperationOptions
	// Logger gets what cluster, scheduler and workers report; nil writes warnings
	// to stderr.
	Logger hclog.Logger
}

// plan is what LocalOptions come to on a machine.
type plan struct {
	options   LocalOptions
	processes bool
	class     string
	protocol  string
	listen    string
	counts    cluster.Counts
	memory    int64
	clamped   bool
}

func (o LocalOptions) plan(m cluster.Machine) (plan, error) {
	p := plan{options: o}
	if err := p.setClass(); err != nil {
		return p, err
	}
	if err := p.setListen(); err != nil {
		return p, err
	}
	var err error
	if p.counts, err = cluster.CountsFor(m.Cores, o.NWorkers, o.ThreadsPerWorker, p.processes); err != nil {
		return p, err
	}
	if m := o.Memory; m != nil {
		if err := m.Check(); err != nil {
			return p, fmt.Errorf("gdask: %w", err)
		}
	}
	p.memory, p.clamped, err = cluster.MemoryLimit(o.MemoryLimit, p.counts.Workers, m)
	return p, err
}

// className turns Dask's names of worker classes into ours.
func className(name string) string {
	short := name[strings.LastIndexByte(name, '.')+1:]
	switch short {
	case "Worker":
		return ClassThreadpool
	case "Nanny":
		return ClassSubprocess
	}
	return name
}

func (p *plan) setClass() error {
	p.class = className(strings.TrimSpace(p.options.WorkerClass))
	p.processes = p.class != ClassThreadpool
	if want := p.options.Processes; want != nil {
		p.processes = *want
	}
	switch {
	case p.class == "" && p.processes:
		p.class = ClassSubprocess
	case p.class == "":
		p.class = ClassThreadpool
	case p.class == ClassThreadpool && p.processes:
		p.class = ClassSubprocess // the same in a process
	case p.class != ClassThreadpool && !p.processes:
		return fmt.Errorf("gdask: worker class %q cannot run in this process; leave Processes out or use class %q", p.class, ClassThreadpool)
	}
	return nil
}

// setListen derives protocol and address: what is given wins, then the scheme of
// the host; inproc when all stays in this process and no port is asked for.
func (p *plan) setListen() error {
	o := p.options
	if o.SchedulerPort < 0 || o.SchedulerPort > 65535 {
		return fmt.Errorf("gdask: scheduler port is %d; give 1 to 65535, or 0 for a free one", o.SchedulerPort)
	}
	host := o.Host
	if i := strings.Index(host, "://"); i >= 0 {
		p.protocol, host = host[:i], host[i+len("://"):]
	}
	if o.Protocol != "" {
		p.protocol = comm.SchemeName(o.Protocol)
	}
	if p.protocol == "" && !p.processes && o.SchedulerPort == 0 && host == "" {
		p.protocol = "inproc"
	}
	if p.protocol == "" {
		p.protocol = "tcp"
	}
	if p.protocol == "inproc" && p.processes {
		return fmt.Errorf("gdask: protocol inproc cannot reach worker processes; use tcp or unix, or Processes: new(false)")
	}
	if p.protocol == "inproc" || p.protocol == "unix" {
		p.listen = p.protocol + "://" + host
		return nil
	}
	if host == "" {
		host = "127.0.0.1"
	}
	_, port, err := comm.SplitHostPort(host, comm.NoPort)
	if err == nil && port > 0 {
		p.listen = p.protocol + "://" + host
		return nil
	}
	bare, _, err := comm.SplitHostPort(host, 0)
	if err != nil {
		return fmt.Errorf("gdask: host %q: %w", o.Host, err)
	}
	p.listen = p.protocol + "://" + comm.JoinHostPort(bare, o.SchedulerPort)
	return nil
}
