package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
)

// The encoders of hot messages work in the connection's own buffers.
func TestHotMessagesAreEncodedWithoutAllocation(t *testing.T) {
	for _, k := range benchMsgs {
		ms := []Msg{k.make(), k.make()}
		c := framed(&discard{}, Settings{})
		if got := testing.AllocsPerRun(100, func() {
			if err := c.SendBatch(ms); err != nil {
				t.Fatal(err)
			}
		}); got > 0 {
			t.Errorf("%s: %v allocations for two messages, want none", k.name, got)
		}
	}
}

// Decoding allocates what the message keeps; these bars catch a new allocation per field.
func TestHotMessagesAreDecodedWithFewAllocations(t *testing.T) {
	for _, k := range benchMsgs {
		limit := map[string]float64{"ComputeTask": 24, "TaskFinished": 11, "KeyInMemory": 9}[k.name]
		data := encoded(t, k.make())
		c, m := memory(data)
		if got := testing.AllocsPerRun(100, func() {
			m.in.Reset(data)
			if _, err := c.Recv(); err != nil {
				t.Fatal(err)
			}
		}); got > limit {
			t.Errorf("%s: %v allocations, want at most %v", k.name, got, limit)
		}
	}
}

// prelude is the start of a message that announces frames of these lengths.
func prelude(lengths ...uint64) []byte {
	total := uint64(8 + 8*len(lengths))
	for _, n := range lengths {
		total += n
	}
	b := binary.LittleEndian.AppendUint64(nil, total)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(lengths)))
	for _, n := range lengths {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func TestAnnouncedBytesAreNotAllocated(t *testing.T) {
	many := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 8+8<<20), 1<<20)
	for name, data := range map[string][]byte{
		"a frame of 16 GiB":        append(prelude(1, 16<<30), 0xc0),
		"frame 0 of 1 GiB":         prelude(1 << 30),
		"a million frames":         many,
		"an array of 4 G elements": append(prelude(5), 0xdd, 0xff, 0xff, 0xff, 0xff),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, _ := memory(data)
		if _, err := c.Recv(); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > readStep+1<<20 {
			t.Errorf("%s: %d bytes allocated for a few that came", name, got)
		}
	}
}

func TestLimitsAreErrors(t *testing.T) {
	deep := bytes.Repeat([]byte{0x91}, 600)
	for name, c := range map[string]struct {
		limits Limits
		data   []byte
	}{
		"frames":        {Limits{MaxFrames: 2}, prelude(1, 1, 1)},
		"frame bytes":   {Limits{MaxFrameBytes: 10}, prelude(1, 11)},
		"message bytes": {Limits{MaxBytes: 10}, prelude(1, 5, 5)},
		"frame 0":       {Limits{MaxHeaderBytes: 10}, prelude(11)},
		"nesting":       {Limits{}, append(prelude(601), append(deep, 0xc0)...)},
		"less nesting":  {Limits{MaxDepth: 3}, append(prelude(5), 0x91, 0x91, 0x91, 0x91, 0xc0)},
	} {
		conn, _ := memory(c.data)
		conn.reader.limits = c.limits.withDefaults()
		_, err := conn.Recv()
		if _, ok := errors.AsType[*LimitError](err); !ok {
			t.Errorf("%s: got %v, want a LimitError", name, err)
		}
	}
}
