package wire

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// discard is a connection that takes everything.
type discard struct{ memConn }

func (*discard) Write(p []byte) (int, error) { return len(p), nil }

func benchCompute() Msg {
	return &ComputeTask{
		Key: TupleKey(StrKey("add-0123456789abcdef"), IntKey(7)), RunID: 7, Priority: Priority{0, 1, 2}, StimulusID: "s-12",
		WhoHas:  KeyAddresses{{StrKey("inc-1"), []string{"tcp://127.0.0.1:40001"}}, {StrKey("inc-2"), []string{"tcp://127.0.0.1:40002"}}},
		Nbytes:  KeySizes{{StrKey("inc-1"), 28}, {StrKey("inc-2"), 28}},
		RunSpec: StringOpaque("add with two arguments as a call of forty bytes"), Annotations: Opaque{Raw: []byte{0x80}}, Runtime: "go",
	}
}

func benchFinished() Msg {
	return &TaskFinished{
		Key: StrKey("add-0123456789abcdef"), RunID: 7, Nbytes: 28, Typename: "int", Metadata: Opaque{Raw: []byte{0x80}},
		StartStops: []StartStop{{Action: "compute", Start: 1.7e9, Stop: 1.7e9}}, Status: "OK", StimulusID: "s-12",
	}
}

func benchInMemory() Msg {
	return &KeyInMemory{Key: StrKey("add-0123456789abcdef"), Workers: []string{"tcp://127.0.0.1:40001"}, Typename: "int", Nbytes: 28}
}

var benchMsgs = []struct {
	name string
	make func() Msg
}{{"ComputeTask", benchCompute}, {"TaskFinished", benchFinished}, {"KeyInMemory", benchInMemory}}

func encoded(t testing.TB, ms ...Msg) []byte {
	t.Helper()
	c, m := memory(nil)
	if err := c.SendBatch(ms); err != nil {
		t.Fatal(err)
	}
	return m.out.Bytes()
}

func BenchmarkEncode(b *testing.B) {
	for _, k := range benchMsgs {
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", k.name, n), func(b *testing.B) {
				ms := make([]Msg, n)
				for i := range ms {
					ms[i] = k.make()
				}
				c := framed(&discard{}, Settings{})
				b.ReportAllocs()
				for b.Loop() {
					if err := c.SendBatch(ms); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/msg")
			})
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, k := range benchMsgs {
		for _, n := range []int{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", k.name, n), func(b *testing.B) {
				ms := make([]Msg, n)
				for i := range ms {
					ms[i] = k.make()
				}
				data := encoded(b, ms...)
				c, m := memory(data)
				b.ReportAllocs()
				for b.Loop() {
					m.in.Reset(data)
					if _, err := c.Recv(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/msg")
			})
		}
	}
}

// BenchmarkForward passes 64 MiB from one connection on to another, as the
// scheduler does in gather, over loopback TCP.
func BenchmarkForward(b *testing.B) {
	const size = 64 << 20
	source, relayIn := benchPair(b)
	relayOut, sink := benchPair(b)
	header := append([]byte("\x81\xae"), "num-sub-frames\x01"...)
	v := Opaque{Raw: []byte(serializedFirst), Frames: [][]byte{header, make([]byte, size)}}
	go func() {
		for source.SendValue(&GetDataReply{Status: "OK", Data: DataMap{{StrKey("k"), v}}}) == nil {
		}
	}()
	go func() {
		for {
			in, err := relayIn.Recv()
			if err != nil || relayOut.SendValue(in.Raw) != nil {
				return
			}
		}
	}()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := sink.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRawTCP is the bar for BenchmarkForward: the same bytes over one hop
// without a protocol.
func BenchmarkRawTCP(b *testing.B) {
	const size = 64 << 20
	source, sink := benchPair(b)
	go func() {
		buf := make([]byte, size)
		for {
			if _, err := source.nc.Write(buf); err != nil {
				return
			}
		}
	}()
	b.SetBytes(size)
	for b.Loop() {
		if _, err := io.ReadFull(sink.nc, make([]byte, size)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPingPong(b *testing.B) {
	near, far := benchPair(b)
	go func() {
		for {
			in, err := far.Recv()
			if err != nil || far.SendBatch(in.Msgs) != nil {
				return
			}
		}
	}()
	ms := []Msg{benchFinished()}
	b.ReportAllocs()
	for b.Loop() {
		if err := near.SendBatch(ms); err != nil {
			b.Fatal(err)
		}
		if _, err := near.Recv(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchPair(b *testing.B) (near, far *Conn) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan *Conn, 1)
	go func() {
		var c *Conn
		if nc, err := l.Accept(); err == nil {
			c, _ = NewConn(b.Context(), nc, Settings{})
		}
		accepted <- c
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	if near, err = NewConn(b.Context(), nc, Settings{}); err != nil {
		b.Fatal(err)
	}
	if far = <-accepted; far == nil {
		b.Fatal("not accepted")
	}
	b.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far
}
