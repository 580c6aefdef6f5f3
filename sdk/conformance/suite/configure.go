package suite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// configRules give it configurations.
var configRules = []rule{
	{name: "config/defaults", check: checkDefaults,
		why:    "no configuration and the empty object are valid: they mean the defaults",
		remedy: "give every field a default; what a plugin cannot work without it may ask for when a worker is started"},
	{name: "config/unknown-key", check: checkUnknownKey,
		why:    "a key that the plugin does not know is refused by Validate and by Configure with an error that names it: a typing error must not be silently ignored",
		remedy: "decode with sdk.DecodeConfig, or refuse unknown fields in another way"},
	{name: "config/no-object", check: checkNoObject,
		why:    "a configuration that is no JSON object is refused",
		remedy: "check what you decode"},
	{name: "config/validate-is-pure", check: checkPure,
		why:    "Validate changes nothing: after it refused a configuration the plugin works with the one that it had",
		remedy: "decode into a fresh value in Validate"},
	{name: "config/configure-twice", check: checkTwice,
		why:    "Configure may be called again, also at the same time, and the last one counts",
		remedy: "guard the configuration with a lock"},
}

func checkDefaults(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	for _, config := range []string{"", "{}"} {
		wrong, err := p.validate(ctx, []byte(config))
		if err != nil {
			return err
		}
		if len(wrong) > 0 {
			return fmt.Errorf("Validate(%q) says: %s", config, wrong[0].Message)
		}
		if err := p.configure(ctx, []byte(config)); err != nil {
			return err
		}
	}
	return nil
}

// unknownKey is a key that no plugin has.
const unknownKey = "gdask_conformance_no_such_key"

func checkUnknownKey(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	config := []byte(`{"` + unknownKey + `": 1}`)
	wrong, err := p.validate(ctx, config)
	if err != nil {
		return err
	}
	if len(wrong) == 0 {
		return fmt.Errorf("Validate accepts the key %q", unknownKey)
	}
	if text := fmt.Sprint(wrong); !strings.Contains(text, unknownKey) {
		return fmt.Errorf("Validate refuses the key %q without naming it: %s", unknownKey, shorten(text))
	}
	err = p.configure(ctx, config)
	if err == nil {
		return fmt.Errorf("Configure accepts the key %q", unknownKey)
	}
	if text := errors.Unwrap(err).Error(); !strings.Contains(text, unknownKey) {
		return fmt.Errorf("Configure refuses the key %q without naming it: %s", unknownKey, shorten(text))
	}
	return nil
}

func checkNoObject(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	for _, config := range []string{"[1]", "{", "7"} {
		wrong, err := p.validate(ctx, []byte(config))
		if err != nil {
			return err
		}
		if len(wrong) == 0 {
			return fmt.Errorf("Validate accepts %q", config)
		}
	}
	return p.health(ctx)
}

func checkPure(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	before, err := p.description(ctx)
	if err != nil {
		return err
	}
	for _, config := range []string{`{"` + unknownKey + `": 1}`, "{", "{}"} {
		if _, err := p.validate(ctx, []byte(config)); err != nil {
			return err
		}
	}
	after, err := p.description(ctx)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(before, after) {
		return fmt.Errorf("the description was %+v, after Validate it is %+v", before, after)
	}
	if infos, err := p.list(ctx); err != nil {
		return err
	} else if len(infos) > 0 {
		return fmt.Errorf("after Validate there are %d workers, want none", len(infos))
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	_, err = p.startWorker(ctx, e, s, "w")
	return err
}

func checkTwice(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	if err := p.configure(ctx, e.program.Config); err != nil {
		return fmt.Errorf("the second time: %w", err)
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = p.configure(ctx, e.program.Config) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%d at once: %w", len(errs), err)
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	_, err = p.startWorker(ctx, e, s, "w")
	return err
}
