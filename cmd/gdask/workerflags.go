package main

import (
	"maps"
	"time"

	"github.com/spf13/pflag"

	"github.com/gdask/gdask/core/units"
)

// workerOptions are the flags that only `gdask worker` has and configuration does not.
type workerOptions struct {
	workers         string // a number, negative for cores + 1 + n, or auto
	threads         int
	name, resources string
	file, pidFile   string
	death           string
	nanny, noNanny  bool
	ports           struct{ worker, nanny string }
	iface           string
	listen, contact string
	dashboard       string
}

// flags defines them.
func (o *workerOptions) flags(f *pflag.FlagSet) {
	aliases(f, map[string]string{"n-workers": "nworkers", "n-threads": "nthreads"})
	f.StringVar(&o.workers, "nworkers", "1", "`number` of workers; auto fits it to the cores, negative is cores + 1 + n")
	f.IntVar(&o.threads, "nthreads", 0, "task slots of each worker (default the cores, shared out)")
	f.StringVar(&o.name, "name", "", "name of the worker; several get -0, -1, ... behind it (default their addresses)")
	f.StringVar(&o.resources, "resources", "", "`amounts` that each worker has, by name, such as \"GPU=2 MEM=10e9\"")
	f.StringVar(&o.file, "scheduler-file", "", "JSON `file` with the scheduler's address; it may appear later")
	f.StringVar(&o.death, "death-timeout", "", "give up when the scheduler cannot be joined within this `duration`")
	f.BoolVar(&o.nanny, "nanny", true, "run each worker in a supervised process, which is started again when it ends")
	f.BoolVar(&o.noNanny, "no-nanny", false, "run the worker in this process, one only")
	f.StringVar(&o.ports.worker, "worker-port", "", "`port` of the worker, or a range such as 8000:8100 that the workers share (default a free one)")
	f.StringVar(&o.ports.nanny, "nanny-port", "", "`port` of the nanny, or a range (default a free one)")
	f.String("protocol", "", "comm `protocol` of the workers: tcp, unix, inproc (default the scheduler's)")
	f.String("host", "", "`address` to listen on (default loopback when the scheduler is on it)")
	f.StringVar(&o.iface, "interface", "", "network `interface` to listen on, such as eth0; in place of --host")
	f.StringVar(&o.listen, "listen-address", "", "`address` to listen on, with scheme and port; in place of --host and --worker-port")
	f.StringVar(&o.contact, "contact-address", "", "`address` by which others reach the worker; with --listen-address")
	f.StringVar(&o.dashboard, "dashboard-address", "", "the same as --worker-dashboard-address, under Dask's name: an `address`")
	f.String("lifetime", "", "`duration` after which a worker hands its data on and retires (default never)")
	f.String("lifetime-stagger", "", "`duration` by which the lifetime may be more or less, at random")
	f.Bool("lifetime-restart", false, "start another worker in place of one that retires")
	f.Bool("no-lifetime-restart", false, "start no other worker, whatever configuration says")
	f.StringSlice("preload", nil, "registered function or `executable` that runs when a worker starts and ends; may be repeated")
	f.StringSlice("preload-nanny", nil, "registered function or `executable` that runs when a nanny starts and ends; may be repeated")
	f.StringSlice("preload-argv", nil, "`argument` of the preloads; may be repeated")
	pidFlag(f, &o.pidFile)
}

// workerKeys are the configuration keys of the flags of `gdask worker`.
func workerKeys() keys {
	k := clusterKeys()
	maps.Copy(k, keys{
		"lifetime": "distributed.worker.lifetime.duration", "lifetime-stagger": "distributed.worker.lifetime.stagger",
		"lifetime-restart": "distributed.worker.lifetime.restart", "no-lifetime-restart": "!distributed.worker.lifetime.restart",
		"preload": "distributed.worker.preload", "preload-argv": "distributed.worker.preload-argv",
		"preload-nanny": "distributed.nanny.preload",
	})
	for _, own := range []string{"n-workers", "name", "dashboard-address"} { // of the workers here, not of a cluster
		delete(k, own)
	}
	return k
}

// deathTimeout reads a duration as Dask writes it: a bare number is seconds.
func (o *workerOptions) deathTimeout() (time.Duration, error) {
	if o.death == "" {
		return 0, nil
	}
	d, err := units.ParseDuration(o.death)
	if err != nil || d < 0 {
		return 0, usagef("--death-timeout is %q; give a duration such as 60s, or 60 for seconds", o.death)
	}
	return d, nil
}
