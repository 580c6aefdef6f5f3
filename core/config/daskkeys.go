package config

import (
	"slices"
	"strings"
)

// daskKeys are the keys of Dask's configuration below "distributed" that gdask
// has no use for, or not yet. ".*" stands for any keys.
const daskKeys = `
adaptive.interval
adaptive.maximum
adaptive.minimum
adaptive.target-duration
adaptive.wait-count
admin.event-loop
admin.large-graph-warning-threshold
admin.log-format
admin.max-error-length
admin.pdb-on-err
admin.system-monitor.disk
admin.system-monitor.gil.enabled
admin.system-monitor.gil.interval
admin.system-monitor.host-cpu
admin.system-monitor.interval
admin.system-monitor.log-length
admin.tick.cycle
admin.tick.interval
admin.tick.limit
client.direct-to-workers
client.heartbeat
client.preload
client.preload-argv
client.scheduler-info-interval
client.security-loader
comm.compression
comm.offload
comm.require-encryption
comm.retry.count
comm.retry.delay.max
comm.retry.delay.min
comm.shard
comm.socket-backlog
comm.tls.ca-file
comm.tls.ciphers
comm.tls.client.cert
comm.tls.client.key
comm.tls.max-version
comm.tls.min-version
comm.tls.scheduler.cert
comm.tls.scheduler.key
comm.tls.worker.cert
comm.tls.worker.key
comm.websockets.shard
comm.zstd.level
comm.zstd.threads
dashboard.export-tool
dashboard.graph-max-items
dashboard.link
dashboard.prometheus.namespace
deploy.cluster-repr-interval
deploy.lost-worker-timeout
diagnostics.computations.ignore-files
diagnostics.computations.ignore-modules
diagnostics.computations.max-history
diagnostics.computations.nframes
diagnostics.cudf
diagnostics.erred-tasks.max-history
diagnostics.nvml
logging-file-config
logging.*
p2p.comm.buffer
p2p.comm.concurrency
p2p.comm.message-bytes-limit
p2p.comm.retry.count
p2p.comm.retry.delay.max
p2p.comm.retry.delay.min
p2p.storage.buffer
p2p.storage.disk
p2p.threads
rmm.pool-size
scheduler.allowed-imports
scheduler.contact-address
scheduler.dashboard.bokeh-application.*
scheduler.dashboard.tls.ca-file
scheduler.dashboard.tls.cert
scheduler.dashboard.tls.key
scheduler.http.prefix
scheduler.reuse-broadcast-comm
scheduler.rootish-taskgroup
scheduler.rootish-taskgroup-dependencies
version
worker.daemon
worker.http.routes
worker.multiprocessing-method
worker.preload-nanny
worker.profile.cycle
worker.profile.enabled
worker.profile.interval
worker.profile.low-level
worker.use-file-locking
worker.validate
`

// daskKnows says whether the path, below "distributed", is one of Dask's keys.
func daskKnows(path string) bool {
	return slices.ContainsFunc(strings.Fields(daskKeys), func(k string) bool {
		if open, ok := strings.CutSuffix(k, ".*"); ok {
			return path == open || strings.HasPrefix(path, open+".")
		}
		return k == path
	})
}

// daskMapping says whether Dask has keys below the path.
func daskMapping(path string) bool {
	return slices.ContainsFunc(strings.Fields(daskKeys), func(k string) bool { return strings.HasPrefix(k, path+".") })
}

// daskChildren are the next parts of the keys below the path.
func daskChildren(path string) []string {
	var children []string
	for k := range strings.FieldsSeq(daskKeys) {
		if rest, ok := strings.CutPrefix(k, path); ok {
			child, _, _ := strings.Cut(strings.TrimPrefix(rest, "."), ".")
			if rest == child || path == "" || strings.HasPrefix(rest, ".") {
				children = append(children, child)
			}
		}
	}
	return children
}
