package comm

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct{ why, in, scheme, rest string }{
		{"plain", "tcp://127.0.0.1:1", "tcp", "127.0.0.1:1"},
		{"no scheme is the default one", "127.0.0.1:1", "tcp", "127.0.0.1:1"},
		{"empty address", "", "tcp", ""},
		{"scheme only", "inproc://", "inproc", ""},
		{"the last separator counts, as in Dask", "a://b://c", "a://b", "c"},
		{"a path stays a path", "unix:///run/x.sock", "unix", "/run/x.sock"},
	} {
		if scheme, rest := Split(c.in, ""); scheme != c.scheme || rest != c.rest {
			t.Errorf("%s: Split(%q) = %q, %q; want %q, %q", c.why, c.in, scheme, rest, c.scheme, c.rest)
		}
	}
}

func TestSplitStrictWantsAScheme(t *testing.T) {
	if _, _, err := SplitStrict("127.0.0.1:1"); !isAddressError(err) {
		t.Errorf("got %v, want an *AddressError", err)
	}
	if scheme, rest, err := SplitStrict("ws://h:1"); scheme != "ws" || rest != "h:1" || err != nil {
		t.Errorf("got %q, %q, %v", scheme, rest, err)
	}
}

func TestSplitHostPort(t *testing.T) {
	for _, c := range []struct {
		why, in   string
		preset    int
		host      string
		port      int
		complaint string
	}{
		{why: "host and port", in: "h:80", preset: NoPort, host: "h", port: 80},
		{why: "scheme is ignored", in: "tls://h:80", preset: NoPort, host: "h", port: 80},
		{why: "default port", in: "h", preset: 8786, host: "h", port: 8786},
		{why: "no default", in: "h", preset: NoPort, complaint: "missing port"},
		{why: "no host", in: ":80", preset: NoPort, host: "", port: 80},
		{why: "IPv6", in: "[::1]:80", preset: NoPort, host: "::1", port: 80},
		{why: "IPv6, default port", in: "[::1]", preset: 1, host: "::1", port: 1},
		{why: "IPv6, no port", in: "[::1]", preset: NoPort, complaint: "missing port"},
		{why: "IPv6 without brackets", in: "::1", preset: 1, complaint: "[::1]:8786"},
		{why: "bracket not closed", in: "[::1", preset: 1, complaint: "closing bracket"},
		{why: "text behind bracket", in: "[::1]80", preset: 1, complaint: "after the closing"},
		{why: "port out of range", in: "h:65536", preset: 1, complaint: "65535"},
		{why: "port no number", in: "h:http", preset: 1, complaint: `"http"`},
		{why: "negative port", in: "h:-1", preset: 1, complaint: `"-1"`},
		{why: "an empty port is a missing one", in: "h:", preset: NoPort, complaint: "missing port"},
	} {
		host, port, err := SplitHostPort(c.in, c.preset)
		if c.complaint != "" {
			if !isAddressError(err) || !strings.Contains(err.Error(), c.complaint) {
				t.Errorf("%s: SplitHostPort(%q): error %v, want an *AddressError with %q", c.why, c.in, err, c.complaint)
			}
			continue
		}
		if host != c.host || port != c.port || err != nil {
			t.Errorf("%s: SplitHostPort(%q) = %q, %d, %v; want %q, %d", c.why, c.in, host, port, err, c.host, c.port)
		}
	}
}

func TestListenArgs(t *testing.T) {
	for _, c := range []struct {
		why       string
		args      ListenArgs
		want      string
		complaint string
	}{
		{why: "nothing is all interfaces", args: ListenArgs{}, want: "tcp://"},
		{why: "protocol with separator", args: ListenArgs{Protocol: "ws://"}, want: "ws://"},
		{why: "port alone", args: ListenArgs{Port: "8786"}, want: "tcp://:8786"},
		{why: "host alone, default port", args: ListenArgs{Host: "h", DefaultPort: 8786}, want: "tcp://h:8786"},
		{why: "IPv6 host", args: ListenArgs{Host: "[::1]", Port: "1"}, want: "tcp://[::1]:1"},
		{why: "port twice, same", args: ListenArgs{Host: "h:1", Port: "1"}, want: "tcp://h:1"},
		{why: "port 0 in the host keeps it", args: ListenArgs{Host: "h:0", Port: "1"}, want: "tcp://h:0"},
		{why: "port twice", args: ListenArgs{Host: "h:1", Port: "2"}, complaint: "twice"},
		{why: "range", args: ListenArgs{Host: "h", Port: "8000:8200"}, want: "tcp://h:8000:8200"},
		{why: "backward range", args: ListenArgs{Host: "h", Port: "9:8"}, complaint: "range"},
		{why: "encryption without protocol", args: ListenArgs{Host: "h", Port: "1", Encryption: true}, want: "tls://h:1"},
		{why: "scheme in host wins over none", args: ListenArgs{Host: "tls://h:1"}, want: "tls://h:1"},
		{why: "scheme against protocol", args: ListenArgs{Host: "tls://h:1", Protocol: "tcp"}, complaint: "protocol"},
		{why: "host and interface", args: ListenArgs{Host: "h", Interface: "lo"}, complaint: "give one"},
		{why: "unknown interface", args: ListenArgs{Interface: "nosuchif"}, complaint: "there are:"},
		{why: "inproc has no host", args: ListenArgs{Protocol: "inproc", Host: "h"}, complaint: "inproc"},
		{why: "inproc ignores the default port", args: ListenArgs{Protocol: "inproc", DefaultPort: 8786}, want: "inproc://"},
	} {
		got, err := c.args.Address()
		if c.complaint != "" {
			if !isAddressError(err) || !strings.Contains(err.Error(), c.complaint) {
				t.Errorf("%s: %+v: error %v, want an *AddressError with %q", c.why, c.args, err, c.complaint)
			}
		} else if got != c.want || err != nil {
			t.Errorf("%s: %+v = %q, %v; want %q", c.why, c.args, got, err, c.want)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	got, err := ListenAddresses(ListenArgs{Protocol: "tcp,inproc", Port: "8786,0"})
	if err != nil || strings.Join(got, " ") != "tcp://:8786 inproc://" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := ListenAddresses(ListenArgs{Protocol: "tcp,ws", Port: "1,2,3"}); !isAddressError(err) {
		t.Errorf("lists of different length: %v, want an *AddressError", err)
	}
}

func TestInterfaceIPOfTheLoopback(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback == 0 {
			continue
		}
		if ip, err := InterfaceIP(ifi.Name); err != nil || ip != "127.0.0.1" && ip != "::1" {
			t.Errorf("InterfaceIP(%q) = %q, %v", ifi.Name, ip, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"tcp://127.0.0.1:1": true, "tcp://[::1]:1": true, "localhost:1": true, "inproc://x": true,
		"unix:///s": true, "tcp://:1": false, "tcp://10.0.0.1:1": false, "tcp://h:x": false,
	} {
		if Loopback(address) != want {
			t.Errorf("Loopback(%q) = %v", address, !want)
		}
	}
}

func isAddressError(err error) bool {
	var a *AddressError
	return errors.As(err, &a)
}

// FuzzSplitHostPort: whatever parses comes back unchanged from JoinHostPort.
func FuzzSplitHostPort(f *testing.F) {
	for _, s := range []string{"h:1", "[::1]:80", "[::1]", ":0", "tcp://h:1", "[", "]:1", "a:b:c", "h:00", "[[]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, port, err := SplitHostPort(s, 8786)
		if err != nil {
			if !isAddressError(err) {
				t.Fatalf("SplitHostPort(%q): %v is no *AddressError", s, err)
			}
			return
		}
		joined := JoinHostPort(host, port)
		if h, p, err := SplitHostPort(joined, NoPort); h != host || p != port || err != nil {
			t.Fatalf("%q -> (%q, %d) -> %q -> (%q, %d, %v)", s, host, port, joined, h, p, err)
		}
	})
}

// FuzzSplitListen: a listen address never panics and never gives an empty range.
func FuzzSplitListen(f *testing.F) {
	for _, s := range []string{"", "h", "h:8000:8200", "[::1]:1:2", ":1:2", "::", "1:2:3", "[::1:2:3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, first, last, err := splitListen(s)
		if err == nil && (first < 0 || last < first || last > 65535) {
			t.Fatalf("splitListen(%q) = %d..%d", s, first, last)
		}
	})
}
