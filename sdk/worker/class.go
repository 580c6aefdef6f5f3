package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/internal/strictjson"
	"github.com/gdask/gdask/sdk/internal/workerrt"
	"github.com/gdask/gdask/sdk/task"
)

// Kind is the kind of plugin that a worker class is.
const Kind = "worker"

// Class makes workers. It is safe for concurrent use.
type Class struct {
	name       string
	opts       classOptions
	newConfig  func() any
	newRunning func(config any) (Executor, error)
	schema     json.RawMessage
	process    *workerrt.Process // shared by the workers of this process

	mu     sync.Mutex // guards config and opts.logger
	config []byte
}

type classOptions struct {
	version      string
	capabilities []string
	runtimes     []string
	registry     *task.Registry
	transports   *comm.Set
	logger       hclog.Logger
}

// Option changes what New makes.
type Option func(*classOptions)

// Version is the class's own semantic version; default "0.0.0".
func Version(v string) Option { return func(o *classOptions) { o.version = v } }

// Capabilities are optional abilities that the description lists.
func Capabilities(names ...string) Option {
	return func(o *classOptions) { o.capabilities = append(o.capabilities, names...) }
}

// Runtimes are the run specs that the executor understands besides or instead
// of Go functions; default "go" alone.
func Runtimes(names ...string) Option {
	return func(o *classOptions) { o.runtimes = append(o.runtimes, names...) }
}

// Functions are the Go functions that the workers can run; default none.
func Functions(reg *task.Registry) Option { return func(o *classOptions) { o.registry = reg } }

// Transports are the comm protocols that the workers can use; default tcp and
// unix.
func Transports(set *comm.Set) Option { return func(o *classOptions) { o.transports = set } }

// Logger receives the workers' log lines; default none.
func Logger(l hclog.Logger) Option { return func(o *classOptions) { o.logger = l } }

// New makes a worker class. C is the struct of its configuration: json tags name
// the fields, tags default:"..." give their defaults and doc:"..." explain them.
// For every worker that is started, build gets a configuration of its own and
// returns the worker's executor; a nil build, or a nil executor, runs tasks in the
// plain way.
func New[C any](name string, build func(cfg *C) (Executor, error), options ...Option) *Class {
	c := &Class{name: name, process: workerrt.NewProcess(), newConfig: func() any { return new(C) }, schema: schemaOf[C]()}
	c.newRunning = func(config any) (Executor, error) {
		cfg, ok := config.(*C)
		if build == nil || !ok {
			return nil, nil
		}
		return build(cfg)
	}
	for _, o := range options {
		o(&c.opts)
	}
	return c
}

// Kind is "worker".
func (c *Class) Kind() string { return Kind }

// Name is what users call the class.
func (c *Class) Name() string { return c.name }

// Description is what a class says about itself.
type Description struct {
	Kind         string          `json:"kind"`
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	Capabilities []string        `json:"capabilities,omitempty"`
	Runtimes     []string        `json:"runtimes,omitempty"`
	ConfigSchema json.RawMessage `json:"config_schema,omitempty"` // JSON schema
}

// Describe returns what the class says about itself.
func (c *Class) Describe() Description {
	d := Description{
		Kind: Kind, Name: c.name, Version: c.opts.version, Capabilities: c.opts.capabilities,
		Runtimes: c.opts.runtimes, ConfigSchema: c.schema,
	}
	if d.Version == "" {
		d.Version = "0.0.0"
	}
	if len(d.Runtimes) == 0 {
		d.Runtimes = []string{"go"}
	}
	return d
}

// Validate checks a JSON object of configuration without keeping it. Unknown
// fields are errors that name the nearest known one.
func (c *Class) Validate(config []byte) error {
	_, err := c.decode(config)
	return err
}

// Configure keeps a JSON object of configuration for the workers started
// afterwards; an empty one means the defaults.
func (c *Class) Configure(config []byte) error {
	if err := c.Validate(config); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.config = append([]byte(nil), config...)
	return nil
}

// decode makes a configuration of defaults and data.
func (c *Class) decode(data []byte) (any, error) {
	cfg := c.newConfig()
	if err := setDefaults(cfg); err != nil {
		return nil, fmt.Errorf("worker class %s: %w", c.name, err)
	}
	if err := strictjson.Decode(data, cfg); err != nil {
		return nil, fmt.Errorf("worker class %s: %w", c.name, err)
	}
	return cfg, nil
}

// executor makes the executor of one worker.
func (c *Class) executor(ctx context.Context) (Executor, error) {
	c.mu.Lock()
	data := c.config
	c.mu.Unlock()
	cfg, err := c.decode(data)
	if err != nil {
		return nil, err
	}
	ex, err := c.newRunning(cfg)
	if err != nil {
		return nil, fmt.Errorf("worker class %s: %w", c.name, err)
	}
	if s, ok := ex.(Setup); ok {
		if err := s.Setup(ctx); err != nil {
			return nil, fmt.Errorf("worker class %s: setup: %w", c.name, err)
		}
	}
	return ex, nil
}
