package gdask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// closeTimeout bounds Close of clients and clusters.
const closeTimeout = 30 * time.Second

// Cluster is anything that has a scheduler's address; see [LocalCluster].
type Cluster interface {
	// SchedulerAddress is where clients connect; "" when the cluster is not running.
	SchedulerAddress() string
}

// ClientOptions tune a client. The zero value is useful.
type ClientOptions struct {
	// Name becomes part of the client's id at the scheduler.
	Name string
	// NotDefault leaves the default client (see [DefaultClient]) as it is.
	NotDefault bool
	// Timeout bounds the connection; default 30 s.
	Timeout time.Duration
	// Grace is how long futures survive the loss of the scheduler's connection
	// while the client tries to come back; default 30 s, negative: not at all.
	Grace time.Duration
	// SchedulerFile is a file that a scheduler writes (--scheduler-file) or a client
	// (WriteSchedulerFile); it says where to connect. NewClient waits for it, within
	// Timeout.
	SchedulerFile string
	// LargeGraph is the size in bytes from which a submission is warned of, with
	// its largest argument; default 10 MB, negative: never. Many tasks with small
	// arguments are not, and nothing is encoded, and warned of, in one process.
	// (Dask's distributed.admin.large-graph-warning-threshold is not read: this
	// package reads no configuration files.)
	LargeGraph int64
	// Logger gets warnings; nil discards those of the connection and writes others
	// to stderr.
	Logger hclog.Logger
	// Stdout and Stderr get what tasks print and warn of (see [Print]); nil is the
	// process's own. io.Discard switches that off.
	Stdout, Stderr io.Writer
}

// Client submits tasks to one scheduler. It may be used by many goroutines.
type Client struct {
	core    *client.Client
	own     *LocalCluster   // closed with the client
	cluster Cluster         // what it was made from, or nil
	parent  wire.Key        // the task that this client submits from, or ""
	leave   func()          // called when a task's client is closed, or nil
	scope   *Options        // of a view; see Annotate
	prints  *sync.WaitGroup // what tasks print and warn of; nil for tasks' own clients
	large   largeGraphs
	once    *sync.Once
}

// NewClient connects to a cluster. The arguments, in any order and all optional:
//
//   - a string: the scheduler's address, such as "tcp://10.0.0.1:8786"
//   - a [Cluster], such as a *LocalCluster
//   - [ClientOptions], which may name a scheduler file in place of an address
//   - [LocalOptions] of the cluster that is started for this client
//
// With neither address nor cluster the environment variable
// GDASK_SCHEDULER_ADDRESS or DASK_SCHEDULER_ADDRESS names the scheduler; without
// these a [LocalCluster] is started, which closes with the client. ctx bounds
// the start. The newest client becomes the default one.
func NewClient(ctx context.Context, args ...any) (*Client, error) {
	t, err := parseTarget(args)
	if err != nil {
		return nil, err
	}
	c := &Client{cluster: t.cluster, once: new(sync.Once), large: newLargeGraphs(t.options)}
	address := t.address
	if address == "" && t.cluster == nil && t.options.SchedulerFile == "" {
		var o LocalOptions
		if t.local != nil {
			o = *t.local
		}
		if c.own, err = NewLocalCluster(ctx, o); err != nil {
			return nil, err
		}
		c.cluster = c.own
	}
	if c.cluster != nil {
		if address = c.cluster.SchedulerAddress(); address == "" {
			return nil, fmt.Errorf("gdask: the cluster %v is not running; start it first", c.cluster)
		}
	}
	if err := c.dial(ctx, address, t.options); err != nil {
		if c.own != nil {
			err = errors.Join(err, c.own.Close())
		}
		return nil, err
	}
	if !t.options.NotDefault {
		defaults.push(c)
	}
	return c, nil
}

func (c *Client) dial(ctx context.Context, address string, o ClientOptions) error {
	set, err := transports()
	if err != nil {
		return err
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if o.SchedulerFile != "" {
		if address, err = client.AddressFromFile(ctx, o.SchedulerFile); err != nil {
			return fmt.Errorf("gdask: %w", err)
		}
	}
	c.core, err = client.Dial(ctx, address, client.Settings{
		Transports: set, Name: o.Name, Grace: o.Grace, SchedulerFile: o.SchedulerFile, Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	if err := c.printer(ctx, cmp.Or(o.Stdout, io.Writer(os.Stdout)), cmp.Or(o.Stderr, io.Writer(os.Stderr))); err != nil {
		return errors.Join(err, c.core.Close(ctx))
	}
	return nil
}

// target is what the arguments of NewClient say.
type target struct {
	address string
	cluster Cluster
	local   *LocalOptions
	options ClientOptions
}

func parseTarget(args []any) (target, error) {
	var t target
	given := 0
	for _, a := range args {
		switch a := a.(type) {
		case string:
			if t.address = strings.TrimSpace(a); t.address == "" {
				return t, errors.New("gdask: NewClient got an empty address; leave it out for a local cluster")
			}
			given++
		case LocalOptions:
			t.local = &a
			given++
		case ClientOptions:
			t.options = a
		case Cluster:
			t.cluster = a
			given++
		default:
			return t, fmt.Errorf("gdask: NewClient got a %T; give an address, a cluster with a method SchedulerAddress() string, LocalOptions or ClientOptions", a)
		}
	}
	if t.options.SchedulerFile != "" {
		given++
	}
	if given > 1 {
		return t, errors.New("gdask: NewClient got more than one of address, cluster, LocalOptions and scheduler file; give one")
	}
	if given == 0 {
		t.address = addressFromEnv()
	}
	return t, nil
}

func addressFromEnv() string {
	for _, name := range []string{"GDASK_SCHEDULER_ADDRESS", "DASK_SCHEDULER_ADDRESS"} {
		if a := strings.TrimSpace(os.Getenv(name)); a != "" {
			return a
		}
	}
	return ""
}

// Close ends the session: the scheduler forgets what this client wished for,
// and the local cluster that was started for it closes. It takes at most 30 s for
// each. Closing twice does nothing.
func (c *Client) Close() error {
	var err error
	c.once.Do(func() {
		defaults.remove(c)
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = c.core.Close(ctx)
		if c.prints != nil {
			c.prints.Wait()
		}
		if c.own != nil {
			err = errors.Join(err, c.own.Close())
		}
		if c.leave != nil {
			c.leave()
		}
	})
	return err
}

// ID is the name under which the scheduler knows the client.
func (c *Client) ID() string { return c.core.ID() }

// SchedulerAddress is the scheduler's address.
func (c *Client) SchedulerAddress() string { return c.core.Address() }

// Cluster is the cluster that the client was made from or has started, or nil.
func (c *Client) Cluster() Cluster { return c.cluster }

// DashboardLink is where the scheduler shows its pages; "" when not known.
func (c *Client) DashboardLink() string {
	if l, ok := c.cluster.(interface{ DashboardLink() string }); ok {
		return l.DashboardLink()
	}
	return ""
}

// submit sends tasks as this client, or as the task that it belongs to.
func (c *Client) submit(defs []wire.TaskDef) []client.Future {
	return c.send(client.Graph{Tasks: defs})
}

// send submits a whole graph.
func (c *Client) send(g client.Graph) []client.Future {
	var w weight
	w.add(g.Tasks)
	c.large.warn(&w)
	return c.pass(g)
}

// pass submits a part of a graph.
func (c *Client) pass(g client.Graph) []client.Future {
	g.SubmittingTask = c.parent
	return c.core.Submit(g)
}

// usable refuses arguments that are futures of other clients, or whose
// failure was never sent.
func (c *Client) usable(args []any) error {
	for _, a := range args {
		var err error
		switch a := a.(type) {
		case nil, bool, int, float64, string, []byte, []int, []float64: // nearly always
		case AnyFuture:
			err = c.mayUse(a.core())
		default:
			err = c.usableInside(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) usableInside(a any) (err error) {
	task.EachReference(a, func(r task.Reference) {
		if f, ok := r.(AnyFuture); ok && err == nil {
			err = c.mayUse(f.core())
		}
	})
	return err
}

func (c *Client) mayUse(f *client.Future) error {
	switch {
	case !f.Bound():
		return f.Unsent()
	case f.Client() != c.core:
		return fmt.Errorf("gdask: argument %s is a future of another client; gather it and pass its value", client.KeyText(f.Key()))
	}
	return f.Unsent()
}

// Retry runs failed tasks again, and what made them fail.
func (c *Client) Retry(ctx context.Context, fs ...AnyFuture) error {
	keys := make([]wire.Key, len(fs))
	for i, f := range fs {
		keys[i] = f.TaskKey()
	}
	return c.core.Retry(ctx, keys)
}

// WhoHas are the addresses of the workers that hold each future's result.
func (c *Client) WhoHas(ctx context.Context, fs ...AnyFuture) (map[string][]string, error) {
	keys := make([]wire.Key, len(fs))
	for i, f := range fs {
		keys[i] = f.TaskKey()
	}
	holders, err := c.core.WhoHas(ctx, keys)
	if err != nil {
		return nil, err
	}
	m := make(map[string][]string, len(holders))
	for _, h := range holders {
		m[client.KeyText(h.Key)] = h.Addresses
	}
	return m, nil
}

// WriteSchedulerFile writes a file from which other clients, of Go and Python, and
// workers learn where the scheduler is. A client that has one, because it was
// made from it or has written it, cannot write another.
func (c *Client) WriteSchedulerFile(ctx context.Context, path string) error {
	return c.core.WriteSchedulerFile(ctx, path)
}

// WaitForWorkers returns when at least n workers run, or with the end of ctx.
func (c *Client) WaitForWorkers(ctx context.Context, n int) error {
	return c.core.WaitForWorkers(ctx, n)
}

// String is for example
//
//	<Client: 'tcp://127.0.0.1:41229' processes=4 threads=4, memory=7.76 GiB>
//
// from what the scheduler last told; it asks nothing.
func (c *Client) String() string {
	i := c.core.Info()
	text := fmt.Sprintf("<Client: '%s' processes=%d threads=%d", c.core.Address(), i.Workers, i.Threads)
	if i.Memory > 0 {
		text += ", memory=" + cluster.FormatBytes(i.Memory)
	}
	return text + ">"
}
