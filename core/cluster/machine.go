package cluster

import (
	"math"
	"os"
	"runtime"

	"github.com/shirou/gopsutil/v3/mem"
)

// Machine is what a cluster may use of this machine.
type Machine struct {
	Cores  int   // by affinity and control-group quota, rounded up; at least 1
	Memory int64 // bytes: physical, or less where a limit says so; 0 unknown
}

// ThisMachine looks at this process's affinity, resource limits and control groups.
func ThisMachine() Machine {
	g := ownControlGroup(os.DirFS("/"))
	return Machine{Cores: g.cores(runtime.NumCPU()), Memory: g.bytes(lower(physicalMemory(), rssLimit()))}
}

func physicalMemory() int64 {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0
	}
	return int64(min(m.Total, math.MaxInt64))
}
