package plugins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gdask/gdask/plugins/catalog"
	"github.com/gdask/gdask/plugins/launch"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
)

// Validate has a worker class check the configuration that it is going to get;
// an external plugin is started for that, without a worker. The error is all that
// is wrong.
func (h *Host) Validate(ctx context.Context, class string) error {
	e, err := h.cat.Resolve(class)
	if err != nil {
		return err
	}
	var config []byte
	if c := h.set.Workers[e.Name].Config; len(c) > 0 {
		if config, err = json.Marshal(c); err != nil {
			return fmt.Errorf("worker class %s: configuration: %w", e.Name, err)
		}
	}
	if e.Builtin {
		return h.builtin(childClass(e.Name)).Validate(config)
	}
	if err := h.begin(); err != nil {
		return err
	}
	defer h.starts.Done()
	return h.validateOutside(ctx, e, config)
}

func (h *Host) validateOutside(ctx context.Context, e catalog.Entry, config []byte) error {
	spec, err := h.spec(e)
	if err != nil {
		return err
	}
	p, err := launch.Start(ctx, spec)
	if err != nil {
		return err
	}
	defer p.Close()
	r, err := pluginv1.NewPluginClient(p.Conn()).Validate(ctx, &pluginv1.ValidateRequest{ConfigJson: config})
	if err != nil {
		return fmt.Errorf("worker plugin %q: validate: %w", e.Name, err)
	}
	var errs []error
	for _, wrong := range r.Errors {
		text := wrong.Message
		if wrong.Field != "" {
			text = wrong.Field + ": " + text
		}
		errs = append(errs, fmt.Errorf("worker plugin %q: %s", e.Name, text))
	}
	return errors.Join(errs...)
}
