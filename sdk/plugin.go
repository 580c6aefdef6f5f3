package sdk

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/grpc"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/internal/service"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

// Plugin is a class that a process can serve: a *worker.Class or a WorkerClass.
type Plugin interface {
	// Kind is "worker", "comm", "cluster" or "graph".
	Kind() string
	// Name is what users call the class.
	Name() string
}

// WorkerClass is a worker class that does not use the SDK's worker runtime: one
// that, told to start, brings a worker to the scheduler in a way of its own, such
// as a program in another language. All methods may be called concurrently.
type WorkerClass interface {
	Plugin
	// Describe completes the description; kind, name, SDK version and services
	// are filled in.
	Describe() Description
	// Validate checks a JSON object of configuration without keeping it.
	Validate(config []byte) error
	// Configure keeps a configuration for the workers started afterwards.
	Configure(config []byte) error
	// StartWorker returns when the worker has joined; ctx bounds only that.
	StartWorker(ctx context.Context, o worker.StartOptions) (RunningWorker, error)
}

// RunningWorker is a worker in this process: a handle that can also be drained.
type RunningWorker = service.Running

// Description is what a plugin says about itself: the JSON that "describe"
// prints, and the answer to the Describe call.
type Description struct {
	Kind         string          `json:"kind"`                    // "worker", ...
	Name         string          `json:"name"`                    // what users call it
	Version      string          `json:"version"`                 // semantic version of the plugin
	SDKVersion   string          `json:"sdk_version,omitempty"`   // "" for other languages
	Services     []string        `json:"services"`                // gRPC services, as gdask.worker.v1.Worker
	Capabilities []string        `json:"capabilities,omitempty"`  // optional abilities
	ConfigSchema json.RawMessage `json:"config_schema,omitempty"` // JSON schema; none when it takes no configuration
	Runtimes     []string        `json:"runtimes,omitempty"`      // run specs that its workers understand
}

// served is a class with its gRPC services.
type served struct {
	desc     Description
	class    service.Configurable
	register func(*grpc.Server)
	stopAll  func(ctx context.Context, reason string) error
}

// adapt finds the services of the class's kind.
func adapt(p Plugin) (*served, error) {
	if !handshake.ValidName(p.Name()) {
		return nil, fmt.Errorf("plugin name %q: want a lower-case letter and then up to 62 letters, digits and dashes", p.Name())
	}
	w := asWorkerClass(p)
	if w == nil || p.Kind() != handshake.KindWorker {
		return nil, fmt.Errorf("SDK %s cannot serve %T as a plugin of the kind %q; it serves worker classes", Version, p, p.Kind())
	}
	workers := service.NewWorkers(w.StartWorker)
	return &served{
		desc:     complete(p, w.Describe()),
		class:    w,
		register: func(s *grpc.Server) { workerv1.RegisterWorkerServer(s, workers) },
		stopAll:  workers.StopAll,
	}, nil
}

// complete fills in what the SDK knows better than the author.
func complete(p Plugin, d Description) Description {
	d.Kind, d.Name, d.SDKVersion = p.Kind(), p.Name(), Version
	d.Services = []string{handshake.PluginV1, handshake.WorkerV1}
	if d.Version == "" {
		d.Version = "0.0.0"
	}
	return d
}

// Describe returns what the plugin says about itself.
func Describe(p Plugin) (Description, error) {
	s, err := adapt(p)
	if err != nil {
		return Description{}, err
	}
	return s.desc, nil
}

// proto is the description as the Describe call returns it.
func (d Description) proto() *pluginv1.DescribeResponse {
	return &pluginv1.DescribeResponse{
		Kind: d.Kind, Name: d.Name, Version: d.Version, SdkVersion: d.SDKVersion,
		Services: d.Services, Capabilities: d.Capabilities,
		ConfigSchema: string(d.ConfigSchema), Runtimes: d.Runtimes,
	}
}
