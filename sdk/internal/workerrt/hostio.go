package workerrt

import (
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/net"

	"github.com/gdask/gdask/sdk/wire"
)

// hostAge is how old the figures of the host may be; reading them costs a
// millisecond where there are many disks.
const hostAge = 2 * time.Second

// hostIO follows what the whole host reads and writes.
type hostIO struct {
	mu        sync.Mutex
	at        time.Time
	net, disk counted
}

// counted is a pair of counters and their rates.
type counted struct {
	read, write uint64
	rates       wire.Rates
}

func (h *hostIO) rates() (network, disks wire.Rates) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	passed := now.Sub(h.at)
	if passed < hostAge {
		return h.net.rates, h.disk.rates
	}
	first := h.at.IsZero()
	h.at = now
	if all, err := net.IOCounters(false); err == nil && len(all) > 0 {
		h.net.follow(all[0].BytesRecv, all[0].BytesSent, passed, first)
	}
	if all, err := disk.IOCounters(); err == nil {
		var read, written uint64
		for _, d := range all {
			read, written = read+d.ReadBytes, written+d.WriteBytes
		}
		h.disk.follow(read, written, passed, first)
	}
	return h.net.rates, h.disk.rates
}

// follow takes new values of the counters, which may begin again at 0.
func (c *counted) follow(read, write uint64, passed time.Duration, first bool) {
	if !first && read >= c.read && write >= c.write {
		c.rates = wire.Rates{Read: float64(read-c.read) / passed.Seconds(), Write: float64(write-c.write) / passed.Seconds()}
	}
	c.read, c.write = read, write
}
