package comm

import (
	"net/netip"
	"strconv"
	"strings"
)

// DefaultScheme is the scheme of an address that has none.
const DefaultScheme = "tcp"

// NoPort as a default port means that an address must name its port.
const NoPort = -1

// Split separates "scheme://rest". An address without a scheme has the default
// one (defaultScheme; empty: [DefaultScheme]).
func Split(address, defaultScheme string) (scheme, rest string) {
	if i := strings.LastIndex(address, "://"); i >= 0 {
		return address[:i], address[i+len("://"):]
	}
	if defaultScheme == "" {
		defaultScheme = DefaultScheme
	}
	return defaultScheme, address
}

// SplitStrict is Split for places where a scheme is required: an address
// without one is an *AddressError.
func SplitStrict(address string) (scheme, rest string, err error) {
	i := strings.LastIndex(address, "://")
	if i <= 0 {
		return "", "", &AddressError{Address: address, Problem: "no scheme",
			Fix: "put one in front, for example tcp://127.0.0.1:8786"}
	}
	return address[:i], address[i+len("://"):], nil
}

// Join is the inverse of [Split].
func Join(scheme, rest string) string { return scheme + "://" + rest }

// SchemeName strips "://" and what follows from a protocol, which people write with or
// without it: "tcp://" and "tcp" are the same.
func SchemeName(protocol string) string {
	name, _, _ := strings.Cut(protocol, "://")
	return name
}

// SplitHostPort separates "host:port", "host", "[v6]:port" and "[v6]"; a scheme
// in front is ignored. Without a port the answer has defaultPort, unless that is
// [NoPort]: then it is an error. An IPv6 address must be in brackets; the host
// comes back without them.
func SplitHostPort(address string, defaultPort int) (host string, port int, err error) {
	_, rest := Split(address, "")
	host, text, err := splitHost(address, rest)
	if err != nil {
		return "", 0, err
	}
	if text == "" {
		if defaultPort == NoPort {
			return "", 0, &AddressError{Address: address, Problem: "missing port number",
				Fix: "write host:port, for example 127.0.0.1:8786"}
		}
		return host, defaultPort, nil
	}
	port, err = parsePort(address, text)
	return host, port, err
}

// splitHost separates the host from the text after its colon.
func splitHost(address, rest string) (host, port string, err error) {
	if !strings.HasPrefix(rest, "[") {
		i := strings.LastIndexByte(rest, ':')
		if i < 0 {
			return rest, "", nil
		}
		if strings.Contains(rest[:i], ":") {
			return "", "", badBrackets(address, "more than one colon")
		}
		return rest[:i], rest[i+1:], nil
	}
	host, tail, ok := strings.Cut(rest[1:], "]")
	switch {
	case !ok:
		return "", "", badBrackets(address, "no closing bracket")
	case strings.Contains(host, "["):
		return "", "", badBrackets(address, "bracket inside of brackets")
	case tail == "":
		return host, "", nil
	case tail[0] != ':':
		return "", "", badBrackets(address, "text after the closing bracket")
	}
	return host, tail[1:], nil
}

func badBrackets(address, problem string) error {
	return &AddressError{Address: address, Problem: problem,
		Fix: "an IPv6 address needs brackets, for example [::1]:8786"}
}

func parsePort(address, text string) (int, error) {
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || text[0] == '+' {
		return 0, &AddressError{Address: address, Problem: "port " + strconv.Quote(text) + " is no number from 0 to 65535",
			Fix: "0 means any free port"}
	}
	return int(port), nil
}

// JoinHostPort is the inverse of [SplitHostPort]: it adds brackets where they
// are needed, and no port when port is [NoPort].
func JoinHostPort(host string, port int) string {
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		host = "[" + host + "]"
	}
	if port == NoPort {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

// Loopback says whether an address stays on this machine by its form: a loopback
// IP, the name localhost, or a scheme that has no network.
func Loopback(address string) bool {
	scheme, rest := Split(address, "")
	if scheme == "inproc" || scheme == "unix" {
		return true
	}
	host, _, err := SplitHostPort(rest, 0)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
