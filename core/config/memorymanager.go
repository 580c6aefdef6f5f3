package config

import (
	"fmt"
	"reflect"
	"time"
)

// MemoryManager are the keys below distributed.scheduler.active-memory-manager.
type MemoryManager struct {
	// Start has it run from the beginning.
	Start bool `koanf:"start"`
	// Interval is the time between two runs.
	Interval Duration `koanf:"interval"`
	// Measure is the figure of memory by which workers are chosen.
	Measure string `koanf:"measure"`
	// Policies are what it does, by Dask's names of the classes.
	Policies Policies `koanf:"policies"`
}

// Policies are the names of policies of the memory manager. Dask writes each as
// a mapping with the key class.
type Policies []string

// ReduceReplicas is the only policy that configuration may name: that of retiring
// workers comes and goes with these.
const ReduceReplicas = "distributed.active_memory_manager.ReduceReplicas"

var policiesType = reflect.TypeFor[Policies]()

// policies reads a list of mappings, or of plain names.
func policies(v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		return v, nil
	}
	out := make(Policies, len(list))
	for i, x := range list {
		if m, ok := x.(map[string]any); ok {
			if len(m) != 1 {
				return nil, fmt.Errorf("policy %v has arguments besides its class; the one that there is takes none", m)
			}
			x = m["class"]
		}
		if out[i], ok = x.(string); !ok {
			return nil, fmt.Errorf("%v is no policy; write {class: %s}", x, ReduceReplicas)
		}
	}
	return out, nil
}

// Rebalance are the keys below distributed.worker.memory.rebalance. Fractions
// are of a worker's memory limit.
type Rebalance struct {
	// Measure is the figure of memory that is balanced.
	Measure string `koanf:"measure"`
	// SenderMin is what a worker must use to give something away.
	SenderMin Fraction `koanf:"sender-min"`
	// RecipientMax is what a worker may use that gets something.
	RecipientMax Fraction `koanf:"recipient-max"`
	// SenderRecipientGap is how far around the mean nothing moves.
	SenderRecipientGap Fraction `koanf:"sender-recipient-gap"`
}

// measures are the figures of a worker's memory.
var measures = []string{
	"managed", "managed_total", "optimistic", "process", "spilled", "unmanaged", "unmanaged_old", "unmanaged_recent",
}

func (c *MemoryManager) validate(p *problems) {
	const key = "distributed.scheduler.active-memory-manager"
	p.oneOf(key+".measure", c.Measure, measures...)
	if c.Interval <= 0 {
		p.add("%s.interval is %v; give more than 0, or start: false", key, time.Duration(c.Interval))
	}
	for _, name := range c.Policies {
		if name != ReduceReplicas {
			p.add("%s.policies has %q; gdask has %s", key, name, ReduceReplicas)
		}
	}
}

func (c *Rebalance) validate(p *problems) {
	const key = "distributed.worker.memory.rebalance"
	p.oneOf(key+".measure", c.Measure, measures...)
	for name, f := range map[string]Fraction{"sender-min": c.SenderMin, "recipient-max": c.RecipientMax, "sender-recipient-gap": c.SenderRecipientGap} {
		if !(f >= 0 && f <= 1) {
			p.add("%s.%s is %v; give a fraction of the memory limit, 0 to 1", key, name, float64(f))
		}
	}
}
