package wire

import (
	"bytes"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// FuzzRecv reads whatever a peer may send. What is understood must be sendable
// again and then say the same.
func FuzzRecv(f *testing.F) {
	for _, name := range goldenNames(f) {
		f.Add(golden(f, name))
	}
	f.Add(encoded(f, benchCompute(), benchFinished(), benchInMemory()))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _ := memory(data)
		c.reader.limits = Limits{MaxFrames: 64, MaxFrameBytes: 1 << 20, MaxBytes: 1 << 20, MaxHeaderBytes: 1 << 20, MaxDepth: 64}
		for {
			in, err := c.Recv()
			if err != nil {
				return
			}
			again, m := memory(nil)
			if err := resend(again, in); err != nil {
				t.Fatalf("understood but not sendable: %v", err)
			}
			back, _ := memory(m.out.Bytes())
			second, err := back.Recv()
			if err != nil {
				t.Fatalf("sent but not understood: %v\n%x", err, m.out.Bytes())
			}
			if len(second.Msgs) != len(in.Msgs) || second.Batch != in.Batch {
				t.Fatalf("%d messages became %d", len(in.Msgs), len(second.Msgs))
			}
		}
	})
}

// FuzzKey: a canonical key is its own canonical form.
func FuzzKey(f *testing.F) {
	for _, k := range []Key{StrKey("x"), BytesKey([]byte{1}), IntKey(-200), FloatKey(2.5), TupleKey(StrKey("x"), TupleKey(IntKey(1<<40)))} {
		f.Add([]byte(k))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		k, rest, err := ParseKey(data)
		if err != nil {
			return
		}
		if len(rest) > len(data) {
			t.Fatal("more bytes left than there were")
		}
		again, rest, err := ParseKey([]byte(k))
		if err != nil || len(rest) != 0 || again != k {
			t.Fatalf("%x became %x with %d bytes left: %v", string(k), string(again), len(rest), err)
		}
		_ = k.String()
	})
}

// FuzzHandshake reads what a peer says first.
func FuzzHandshake(f *testing.F) {
	f.Add(golden(f, "handshake"))
	f.Add([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, _ := memory(data)
		if c.hear() == nil && c.peer.Pickle > pickleProtocol {
			t.Fatalf("agreed on %+v", c.peer)
		}
	})
}

// FuzzPart cuts values with frames apart: whatever comes out must point into
// its own frames only.
func FuzzPart(f *testing.F) {
	header := append([]byte("\x81\xae"), "num-sub-frames\x01"...)
	f.Add([]byte(serializedFirst), header, []byte("x"))
	f.Add(append([]byte("\x92\xc0"), serializedFirst...), header, []byte("x"))
	f.Fuzz(func(t *testing.T, raw, first, second []byte) {
		if checkValue(raw, defaultMaxDepth) != nil {
			return
		}
		d := newDecoder()
		d.part(Opaque{Raw: raw, Frames: [][]byte{first, second}})
		o := Opaque{Raw: raw}
		if d.settle(&o); d.err != nil {
			return
		}
		if rest, err := skip(o.Raw); err != nil || len(rest) > 0 {
			t.Fatalf("not one value any more: %x", o.Raw)
		}
		_, _, err := rebase(nil, o.Raw, func(i int) (int, error) {
			if i < 0 || i >= len(o.Frames) {
				t.Fatalf("points to frame %d of %d", i, len(o.Frames))
			}
			return i, nil
		}, 0)
		if err != nil && len(o.Frames) > 0 {
			t.Fatal(err)
		}
	})
}

// FuzzSkip compares the walk over untrusted values with msgp's own.
func FuzzSkip(f *testing.F) {
	f.Add([]byte{0x93, 1, 0xa1, 'x', 0xc0})
	f.Fuzz(func(t *testing.T, data []byte) {
		mine, err := skip(data)
		if err != nil {
			return
		}
		theirs, err := msgp.Skip(data)
		if err != nil || !bytes.Equal(mine, theirs) {
			t.Fatalf("left %x, msgp leaves %x (%v)", mine, theirs, err)
		}
	})
}
