package cluster

import (
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v3/mem"
)

// Machine is what a cluster may use of this machine.
type Machine struct {
	Cores  int   // by affinity and control-group quota, rounded up; at least 1
	Memory int64 // bytes: physical, or less where a limit says so; 0 unknown
}

// ThisMachine looks at this process's affinity, resource limits and control group.
func ThisMachine() Machine {
	cgroup := os.DirFS("/sys/fs/cgroup")
	return Machine{Cores: coresIn(cgroup, runtime.NumCPU()), Memory: memoryIn(cgroup, physicalMemory(), rssLimit())}
}

func physicalMemory() int64 {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0
	}
	return int64(min(m.Total, math.MaxInt64))
}

// coresIn lowers the number of usable CPUs to the quota of control groups,
// version 2 or 1; a fraction counts as a whole core.
func coresIn(cgroup fs.FS, cpus int) int {
	cores := max(cpus, 1)
	for _, dir := range []string{"cpu", "cpuacct", "cpu,cpuacct"} {
		cores = withQuota(cores, number(cgroup, dir+"/cpu.cfs_quota_us"), number(cgroup, dir+"/cpu.cfs_period_us"))
	}
	if f := fields(cgroup, "cpu.max"); len(f) == 2 {
		cores = withQuota(cores, parse(f[0]), parse(f[1]))
	}
	return cores
}

func withQuota(cores int, quota, period int64) int {
	if quota <= 0 || period <= 0 {
		return cores
	}
	return min(cores, max(1, int((quota+period-1)/period)))
}

// memoryIn lowers the physical memory to the limits of control groups and of
// the process. (The protected amount memory.low is no limit.)
func memoryIn(cgroup fs.FS, physical, rss int64) int64 {
	limit := physical
	for _, n := range []int64{
		rss,
		number(cgroup, "memory/memory.limit_in_bytes"), number(cgroup, "memory/memory.soft_limit_in_bytes"),
		number(cgroup, "memory.max"), number(cgroup, "memory.high"),
	} {
		if n > 0 && (limit == 0 || n < limit) {
			limit = n
		}
	}
	return limit
}

// number is the number in a file, or 0 when there is none ("max" for instance).
func number(fsys fs.FS, name string) int64 {
	if f := fields(fsys, name); len(f) > 0 {
		return parse(f[0])
	}
	return 0
}

func fields(fsys fs.FS, name string) []string {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil
	}
	return strings.Fields(string(b))
}

func parse(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
