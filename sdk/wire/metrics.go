package wire

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tinylib/msgp/msgp"
)

// MarshalMsg implements msgp.Marshaler: the map that Dask's scheduler and
// dashboard read, or Raw when it is set.
func (z Metrics) MarshalMsg(b []byte) ([]byte, error) {
	if len(z.Raw) > 0 {
		return append(b, z.Raw...), nil
	}
	extra := z.extra()
	b = msgp.AppendMapHeader(b, 13+uint32(len(extra)))
	b = msgp.AppendFloat64(msgp.AppendString(b, "cpu"), z.CPU)
	b = msgp.AppendInt64(msgp.AppendString(b, "memory"), z.Memory)
	b = msgp.AppendInt64(msgp.AppendString(b, "managed_bytes"), z.Managed)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "spilled_bytes"), 2)
	b = msgp.AppendInt64(msgp.AppendString(b, "memory"), z.SpilledMem)
	b = msgp.AppendInt64(msgp.AppendString(b, "disk"), z.SpilledDisk)
	b = z.appendCounts(msgp.AppendString(b, "task_counts"))
	b = z.Transfer.append(msgp.AppendString(b, "transfer"))
	b = msgp.AppendMapHeader(msgp.AppendString(b, "bandwidth"), 3)
	b = msgp.AppendFloat64(msgp.AppendString(b, "total"), z.Bandwidth)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "workers"), 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "types"), 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "digests_total_since_heartbeat"), 0)
	b = msgp.AppendFloat64(msgp.AppendString(b, "event_loop_interval"), z.Tick)
	b = msgp.AppendInt(msgp.AppendString(b, "num_fds"), z.FDs)
	b = msgp.AppendFloat64(msgp.AppendString(b, "time"), z.Time)
	b = z.Net.append(msgp.AppendString(b, "host_net_io"))
	b = z.Disk.append(msgp.AppendString(b, "host_disk_io"))
	for _, e := range extra {
		b = append(b, e...)
	}
	return b, nil
}

func (z *Metrics) appendCounts(b []byte) []byte {
	b = msgp.AppendMapHeader(b, 6)
	b = msgp.AppendInt(msgp.AppendString(b, "executing"), z.Executing)
	b = msgp.AppendInt(msgp.AppendString(b, "long-running"), z.LongRunning)
	b = msgp.AppendInt(msgp.AppendString(b, "ready"), z.Ready)
	b = msgp.AppendInt(msgp.AppendString(b, "fetch"), z.Fetching)
	b = msgp.AppendInt(msgp.AppendString(b, "missing"), z.Missing)
	return msgp.AppendInt(msgp.AppendString(b, "memory"), z.InMemory)
}

func (r *Rates) append(b []byte) []byte {
	b = msgp.AppendMapHeader(b, 2)
	b = msgp.AppendFloat64(msgp.AppendString(b, "read_bps"), r.Read)
	return msgp.AppendFloat64(msgp.AppendString(b, "write_bps"), r.Write)
}

func (t *Transfer) append(b []byte) []byte {
	b = msgp.AppendMapHeader(b, 6)
	b = msgp.AppendInt64(msgp.AppendString(b, "incoming_bytes"), t.InBytes)
	b = msgp.AppendInt(msgp.AppendString(b, "incoming_count"), t.InCount)
	b = msgp.AppendInt64(msgp.AppendString(b, "incoming_count_total"), t.InCountTotal)
	b = msgp.AppendInt64(msgp.AppendString(b, "outgoing_bytes"), t.OutBytes)
	b = msgp.AppendInt(msgp.AppendString(b, "outgoing_count"), t.OutCount)
	return msgp.AppendInt64(msgp.AppendString(b, "outgoing_count_total"), t.OutCountTotal)
}

// extra are the encoded entries of Extra, in the order of their names. A value that
// is not simple is its text.
func (z *Metrics) extra() [][]byte {
	var entries [][]byte
	for _, name := range slices.Sorted(maps.Keys(z.Extra)) {
		b, err := appendAny(msgp.AppendString(nil, name), z.Extra[name])
		if err != nil {
			b = msgp.AppendString(msgp.AppendString(nil, name), fmt.Sprint(z.Extra[name]))
		}
		entries = append(entries, b)
	}
	return entries
}

// UnmarshalMsg implements msgp.Unmarshaler; fields of other types are passed over.
func (z *Metrics) UnmarshalMsg(b []byte) ([]byte, error) {
	rest, err := skip(b)
	if err != nil {
		return b, err
	}
	raw := b[:len(b)-len(rest)]
	*z = Metrics{}
	if msgp.NextType(raw) != msgp.MapType {
		return rest, nil
	}
	z.Raw = append([]byte(nil), raw...)
	num := func(m []byte, names ...string) float64 {
		for _, n := range names {
			if m = fieldOf(m, n); m == nil {
				return 0
			}
		}
		f, _, err := readNumber(m)
		if err != nil {
			return 0 // a figure gdask cannot read is a figure it does not show
		}
		return f
	}
	z.CPU, z.Memory = num(raw, "cpu"), int64(num(raw, "memory"))
	z.Managed = int64(num(raw, "managed_bytes"))
	z.SpilledMem, z.SpilledDisk = int64(num(raw, "spilled_bytes", "memory")), int64(num(raw, "spilled_bytes", "disk"))
	z.Executing, z.LongRunning = int(num(raw, "task_counts", "executing")), int(num(raw, "task_counts", "long-running"))
	z.Ready, z.InMemory = int(num(raw, "task_counts", "ready")), int(num(raw, "task_counts", "memory"))
	z.Fetching, z.Missing = int(num(raw, "task_counts", "fetch")), int(num(raw, "task_counts", "missing"))
	z.Bandwidth, z.Tick, z.FDs = num(raw, "bandwidth", "total"), num(raw, "event_loop_interval"), int(num(raw, "num_fds"))
	z.Time = num(raw, "time")
	z.Net = Rates{num(raw, "host_net_io", "read_bps"), num(raw, "host_net_io", "write_bps")}
	z.Disk = Rates{num(raw, "host_disk_io", "read_bps"), num(raw, "host_disk_io", "write_bps")}
	z.Transfer = Transfer{
		InBytes: int64(num(raw, "transfer", "incoming_bytes")), OutBytes: int64(num(raw, "transfer", "outgoing_bytes")),
		InCount: int(num(raw, "transfer", "incoming_count")), OutCount: int(num(raw, "transfer", "outgoing_count")),
		InCountTotal:  int64(num(raw, "transfer", "incoming_count_total")),
		OutCountTotal: int64(num(raw, "transfer", "outgoing_count_total")),
	}
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (z Metrics) Msgsize() int { return max(600, len(z.Raw)) }
