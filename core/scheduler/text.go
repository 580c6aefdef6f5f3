package scheduler

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// textOf is a msgpack str, bin or number as text; anything else is "".
func textOf(o wire.Opaque) string {
	switch v := o.Ref.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	}
	return o.Text()
}

// workerName is the name of a worker as text; its address when it gave none.
func workerName(m *wire.RegisterWorker) string {
	if n := textOf(m.Name); n != "" {
		return n
	}
	return m.Address
}

// hostOf is the host part of "scheme://host:port".
func hostOf(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	if host, _, err := net.SplitHostPort(rest); err == nil {
		return host
	}
	if host, _, ok := strings.Cut(rest, "/"); ok { // inproc://host/pid/n, unix:///path
		return host
	}
	return rest
}

func unixNow() float64 { return unixSeconds(time.Now()) }

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
