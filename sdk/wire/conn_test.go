package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// tcpPair returns both ends of a loopback connection after the handshake.
func tcpPair(t *testing.T, s Settings) (a, b *Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		c   *Conn
		err error
	}
	ch := make(chan result, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			ch <- result{err: err}
			return
		}
		c, err := NewConn(t.Context(), nc, s)
		ch <- result{c, err}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if a, err = NewConn(t.Context(), nc, s); err != nil {
		t.Fatal(err)
	}
	r := <-ch
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { _ = a.Close(); _ = r.c.Close() })
	return a, r.c
}

func recv(t *testing.T, c *Conn) Incoming {
	t.Helper()
	in, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestBatchTravelsWithPayloadFramesUntouched(t *testing.T) {
	a, b := tcpPair(t, Settings{})
	big := bytes.Repeat([]byte{7}, 300_000)
	header := []byte{0x81, 0xae}
	header = append(header, "num-sub-frames"...)
	header = append(header, 2)
	spec := Opaque{Raw: append(append([]byte{0x81, 0xae}, serializedMark...), 0), Frames: [][]byte{header, big, {}}}
	want := &ComputeTask{Key: TupleKey(StrKey("x"), IntKey(3)), RunID: 5, Priority: Priority{0, 1, -0.5}, RunSpec: spec,
		WhoHas: KeyAddresses{{Key: StrKey("d"), Addresses: []string{"tcp://1", "tcp://2"}}}, Nbytes: KeySizes{{StrKey("d"), 9}}}
	go func() { _ = a.SendBatch([]Msg{&FreeKeys{Keys: []Key{StrKey("k")}}, want, &KeepAlive{}}) }()
	in := recv(t, b)
	if !in.Batch || len(in.Msgs) != 3 {
		t.Fatalf("got %+v, want a batch of 3", in)
	}
	got := in.Msgs[1].(*ComputeTask)
	if got.Key.String() != "('x', 3)" || got.RunID != 5 || got.Priority[2] != -0.5 || got.WhoHas[0].Addresses[1] != "tcp://2" {
		t.Fatalf("got %+v", got)
	}
	if len(got.RunSpec.Frames) != 3 || !bytes.Equal(got.RunSpec.Frames[1], big) || len(got.RunSpec.Frames[2]) != 0 {
		t.Fatal("payload frames changed on the way")
	}
	if !bytes.Equal(got.RunSpec.Raw, spec.Raw) {
		t.Fatalf("placeholder is %x, want index 0 again", got.RunSpec.Raw)
	}
}

func TestPlaceholdersOfSeveralMessagesAreRebased(t *testing.T) {
	a, b := tcpPair(t, Settings{})
	one := func(v byte) Opaque {
		return Opaque{Raw: append(append([]byte{0x92, 0xc3, 0x81, 0xae}, serializedMark...), 0),
			Frames: [][]byte{append(append([]byte{0x81, 0xae}, "num-sub-frames"...), 1), {v}}}
	}
	go func() {
		_ = a.Send(&GetData{Keys: KeySet{StrKey("a")}})
		_ = a.SendValue(&GetDataReply{Status: "OK", Data: DataMap{{StrKey("a"), one(1)}, {IntKey(2), one(2)}}})
	}()
	if in := recv(t, b); in.Msgs[0].Op() != "get_data" || !in.Reply {
		t.Fatalf("got %+v", in)
	}
	in := recv(t, b)
	var r GetDataReply
	if err := DecodeBody(in.Raw, &r); err != nil {
		t.Fatal(err)
	}
	for i, d := range r.Data {
		if len(d.Value.Frames) != 2 || d.Value.Frames[1][0] != byte(i+1) {
			t.Fatalf("item %d has frames %v", i, d.Value.Frames)
		}
	}
}

func TestLimitsNameTheValueAndTheLimit(t *testing.T) {
	a, b := tcpPair(t, Settings{Limits: Limits{MaxHeaderBytes: 100}})
	go func() { _ = a.SendValue(string(make([]byte, 1000))) }()
	_, err := b.Recv()
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Limit != 100 || limit.Value != 1003 {
		t.Fatalf("got %v, want a LimitError with 1003 over 100", err)
	}
}

func TestFrozenReaderIsAWriteError(t *testing.T) {
	a, _ := tcpPair(t, Settings{WriteTimeout: 50 * time.Millisecond})
	frame := make([]byte, 64<<20)
	err := a.SendValue(Opaque{Raw: append(append([]byte{0x81, 0xae}, serializedMark...), 0), Frames: [][]byte{frame}})
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("got %v, want a timeout", err)
	}
}

func TestSilentPeerEndsTheHandshake(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	_, err := NewConn(context.Background(), near, Settings{HandshakeTimeout: 20 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want a deadline", err)
	}
}

func TestStreamKeepsOrderAndSaysGoodbye(t *testing.T) {
	a, b := tcpPair(t, Settings{})
	s := NewStream(a)
	const n = 10_000
	for i := range n {
		s.Send(&ReportKey{Key: IntKey(int64(i))})
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close(t.Context(), true) }()
	next := int64(0)
	for {
		in, err := b.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range in.Msgs {
			if _, ok := m.(*CloseStream); ok {
				if next != n {
					t.Fatalf("goodbye after %d of %d messages", next, n)
				}
				if err := <-closed; err != nil {
					t.Fatal(err)
				}
				return
			}
			if got := m.(*ReportKey).Key; got != IntKey(next) {
				t.Fatalf("message %d is %s", next, got)
			}
			next++
		}
	}
}
