package wire

import "github.com/tinylib/msgp/msgp"

// MarshalMsg implements msgp.Marshaler: the map that Dask's scheduler and
// dashboard read, or Raw when it is set.
func (z Metrics) MarshalMsg(b []byte) ([]byte, error) {
	if len(z.Raw) > 0 {
		return append(b, z.Raw...), nil
	}
	b = msgp.AppendMapHeader(b, 9)
	b = msgp.AppendFloat64(msgp.AppendString(b, "cpu"), z.CPU)
	b = msgp.AppendInt64(msgp.AppendString(b, "memory"), z.Memory)
	b = msgp.AppendInt64(msgp.AppendString(b, "managed_bytes"), z.Managed)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "spilled_bytes"), 2)
	b = msgp.AppendInt64(msgp.AppendString(b, "memory"), z.SpilledMem)
	b = msgp.AppendInt64(msgp.AppendString(b, "disk"), z.SpilledDisk)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "task_counts"), 3)
	b = msgp.AppendInt(msgp.AppendString(b, "executing"), z.Executing)
	b = msgp.AppendInt(msgp.AppendString(b, "ready"), z.Ready)
	b = msgp.AppendInt(msgp.AppendString(b, "memory"), z.InMemory)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "bandwidth"), 3)
	b = msgp.AppendFloat64(msgp.AppendString(b, "total"), z.Bandwidth)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "workers"), 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "types"), 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "digests_total_since_heartbeat"), 0)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "event_loop_interval"), 0)
	b = msgp.AppendInt(msgp.AppendString(b, "num_fds"), 0)
	return b, nil
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
	z.Executing, z.Ready = int(num(raw, "task_counts", "executing")), int(num(raw, "task_counts", "ready"))
	z.InMemory, z.Bandwidth = int(num(raw, "task_counts", "memory")), num(raw, "bandwidth", "total")
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (z Metrics) Msgsize() int { return max(300, len(z.Raw)) }
