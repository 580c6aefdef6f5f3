package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/worker"
)

// workerPlan is what the flags of `gdask worker` come to.
type workerPlan struct {
	class   string
	workers []worker.StartOptions
}

// plan checks the options against one another.
func (o *workerOptions) plan(c *config.Config, address string, l hclog.Logger) (*workerPlan, error) {
	m := cluster.ThisMachine()
	n, threads, err := o.counts(m.Cores)
	if err != nil {
		return nil, err
	}
	p := &workerPlan{class: c.WorkerClass}
	if err := o.setClass(p, n); err != nil {
		return nil, err
	}
	if err := o.checkAddresses(c, n); err != nil {
		return nil, err
	}
	start, err := o.start(c, address, n, threads, m, l)
	if err != nil {
		return nil, err
	}
	ports, err := apportion(o.ports.worker, o.ports.nanny, n)
	if err != nil {
		return nil, err
	}
	for i := range n {
		s := start
		if n > 1 && o.name != "" {
			s.Name = fmt.Sprintf("%s-%d", o.name, i)
		}
		if s.ListenAddress, err = o.listenAddress(c, address, ports[i].worker); err != nil {
			return nil, err
		}
		if ports[i].nanny != "" {
			if s.NannyListen, err = o.listenAddress(c, address, ports[i].nanny); err != nil {
				return nil, err
			}
		}
		p.workers = append(p.workers, s)
	}
	return p, nil
}

// counts are the workers and the task slots of each.
func (o *workerOptions) counts(cores int) (workers, threads int, err error) {
	if o.threads < 0 {
		return 0, 0, usagef("--nthreads is %d; give at least 1, or 0 for the cores, shared out", o.threads)
	}
	threads = o.threads
	if o.workers == "auto" {
		var given *int
		if threads > 0 {
			given = &threads
		}
		c, err := cluster.CountsFor(cores, nil, given, true)
		return c.Workers, c.Threads, err
	}
	if workers, err = strconv.Atoi(o.workers); err != nil {
		return 0, 0, usagef("--nworkers is %q; give a number, or auto", o.workers)
	}
	if workers < 0 {
		workers += cores + 1
	}
	if workers < 1 {
		return 0, 0, usagef("--nworkers is %s, which is %d with %d cores; give at least 1", o.workers, workers, cores)
	}
	if threads == 0 {
		threads = max(1, cores/workers)
	}
	return workers, threads, nil
}

func (o *workerOptions) setClass(p *workerPlan, n int) error {
	bare := o.noNanny || !o.nanny
	switch {
	case bare && n > 1:
		return usagef("--no-nanny has the worker in this process, and --nworkers asks for %d; leave one of them out", n)
	case bare && p.class != "" && p.class != plugins.Threadpool:
		return usagef("--no-nanny has the worker in this process, and workers of class %q run in processes of their own; leave one of them out", p.class)
	case bare:
		p.class = plugins.Threadpool
	case p.class == "":
		p.class = plugins.Subprocess
	}
	return nil
}

func (o *workerOptions) checkAddresses(c *config.Config, n int) error {
	switch {
	case o.contact != "" && o.listen == "":
		return usagef("--contact-address is %q without --listen-address; give both", o.contact)
	case o.listen != "" && n > 1:
		return usagef("--listen-address is one address for %d workers; use --host and a range of ports as --worker-port", n)
	case o.listen != "" && (o.ports.worker != "" || c.Cluster.Host != "" || o.iface != ""):
		return usagef("--listen-address %q says it all; leave out --host, --interface and --worker-port", o.listen)
	}
	for flag, a := range map[string]string{"--listen-address": o.listen, "--contact-address": o.contact} {
		if a == "" {
			continue
		}
		if _, _, err := comm.SplitHostPort(a, comm.NoPort); err != nil && !strings.HasPrefix(a, "unix://") {
			return usagef("%s: %v", flag, err)
		}
	}
	return nil
}

// start are the options that all workers have.
func (o *workerOptions) start(c *config.Config, address string, n, threads int, m cluster.Machine, l hclog.Logger) (worker.StartOptions, error) {
	memory, clamped, err := cluster.ThreadsMemoryLimit(c.Cluster.MemoryLimit, n, threads, m)
	if err != nil {
		return worker.StartOptions{}, err
	}
	if clamped {
		l.Warn("memory limit lowered to what the machine has", "asked", c.Cluster.MemoryLimit, "limit", cluster.FormatBytes(memory))
	}
	resources, err := parseResources(o.resources)
	if err != nil {
		return worker.StartOptions{}, err
	}
	for k, v := range c.Distributed.Worker.Resources {
		if _, given := resources[k]; !given {
			resources[k] = v
		}
	}
	death, err := o.deathTimeout()
	return worker.StartOptions{
		Scheduler: address, Name: o.name, NThreads: threads, MemoryLimit: memory, Memory: workerMemory(c), Resources: resources,
		LocalDirectory: localDirectory(c), DeathTimeout: death, ContactAddress: o.contact,
		DashboardAddr: cmp.Or(o.dashboard, c.Cluster.WorkerDashboardAddress), Extra: workerExtra(c),
	}, err
}

// listenAddress is where a worker or nanny with the port (or range) listens; ""
// leaves it to the worker.
func (o *workerOptions) listenAddress(c *config.Config, scheduler, port string) (string, error) {
	if o.listen != "" {
		return o.listen, nil
	}
	host := c.Cluster.Host
	if port == "" && host == "" && o.iface == "" {
		return "", nil
	}
	if host == "" && o.iface == "" && comm.Loopback(scheduler) {
		host = "127.0.0.1"
	}
	protocol := c.Protocol
	if protocol == "" {
		protocol, _ = comm.Split(scheduler, "")
	}
	a, err := comm.ListenArgs{Host: host, Port: port, Interface: o.iface, Protocol: protocol}.Address()
	if err != nil {
		return "", usagef("%v", err)
	}
	return a, nil
}
