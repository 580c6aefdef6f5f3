package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
)

// Configurable is the part of an author's class that takes configuration.
type Configurable interface {
	// Validate checks a JSON object without keeping it.
	Validate(json []byte) error
	// Configure keeps it for what is started afterwards.
	Configure(json []byte) error
}

// Base serves gdask.plugin.v1.Plugin.
type Base struct {
	pluginv1.UnimplementedPluginServer
	// Description is the answer to Describe.
	Description *pluginv1.DescribeResponse
	// Class takes the configuration.
	Class Configurable
	// SetLevel sets the least level to log.
	SetLevel func(level string)
	// StopAll ends everything that the plugin runs within ctx.
	StopAll func(ctx context.Context, reason string) error
	// Quit ends the process soon after Shutdown's answer was sent.
	Quit func()

	mu sync.Mutex // serialises Configure
}

// Describe says what the plugin is.
func (b *Base) Describe(context.Context, *pluginv1.DescribeRequest) (*pluginv1.DescribeResponse, error) {
	return b.Description, nil
}

// Validate checks a configuration. Everything wrong is in the answer; an error
// of the call itself means that the check did not take place.
func (b *Base) Validate(_ context.Context, r *pluginv1.ValidateRequest) (*pluginv1.ValidateResponse, error) {
	out := &pluginv1.ValidateResponse{}
	for _, err := range flatten(b.Class.Validate(r.ConfigJson)) {
		out.Errors = append(out.Errors, &pluginv1.FieldError{Message: err.Error()})
	}
	return out, nil
}

// Configure sets configuration and log level.
func (b *Base) Configure(_ context.Context, r *pluginv1.ConfigureRequest) (*pluginv1.ConfigureResponse, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Class.Configure(r.ConfigJson); err != nil {
		return nil, failure(codes.InvalidArgument, ReasonConfig, err)
	}
	if r.LogLevel != "" {
		b.SetLevel(r.LogLevel)
	}
	return &pluginv1.ConfigureResponse{}, nil
}

// Shutdown ends what runs and then the process. What did not end within the
// grace is reported and ends with the process.
func (b *Base) Shutdown(ctx context.Context, r *pluginv1.ShutdownRequest) (*pluginv1.ShutdownResponse, error) {
	defer b.Quit()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.GraceMs)*time.Millisecond)
	defer cancel()
	if err := b.StopAll(ctx, r.Reason); err != nil {
		return nil, failure(codes.Aborted, ReasonStop, err)
	}
	return &pluginv1.ShutdownResponse{}, nil
}

// flatten returns the parts of errors that were joined line by line, and any
// other error as it is.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		parts := joined.Unwrap()
		if errors.Join(parts...).Error() == err.Error() {
			return parts
		}
	}
	return []error{err}
}
