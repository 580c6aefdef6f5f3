package comm

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ListenArgs are the ways in which people say where to listen, as flags and
// configuration have them. Empty fields are not given.
type ListenArgs struct {
	Host      string // "host", "host:port" or "scheme://host:port"
	Port      string // number, range "8000:8200", or ""
	Interface string // network interface whose IPv4 address to use; excludes Host
	Protocol  string // "tcp" or "tcp://"
	// DefaultPort is used when neither Host nor Port names one; 0 is any free port.
	DefaultPort int
	// Encryption says that it is required: without Protocol it means "tls".
	Encryption bool
}

// Address makes one address to listen on. With neither host nor port nor
// interface it is empty behind the scheme: all interfaces, any port.
func (a ListenArgs) Address() (string, error) {
	protocol := SchemeName(a.Protocol)
	if protocol == "" && a.Encryption {
		protocol = "tls"
	}
	if protocol == "inproc" && (a.Host != "" || a.Interface != "") {
		return "", &AddressError{Address: a.Host + a.Interface, Problem: "protocol inproc has no host or interface",
			Fix: "leave them out or choose another protocol"}
	}
	host, err := a.host()
	if err != nil {
		return "", err
	}
	scheme, rest := Split(host, protocol)
	if a.Protocol != "" && scheme != protocol {
		return "", &AddressError{Address: host, Problem: fmt.Sprintf("scheme %q, but protocol %q", scheme, protocol),
			Fix: "give one of them"}
	}
	if scheme == "inproc" || scheme == "unix" || host == "" && a.Port == "" {
		return Join(scheme, rest), nil
	}
	loc, err := a.withPort(host, rest)
	return Join(scheme, loc), err
}

func (a ListenArgs) host() (string, error) {
	if a.Interface == "" {
		return a.Host, nil
	}
	if a.Host != "" {
		return "", &AddressError{Address: a.Host, Problem: fmt.Sprintf("both host and interface %q are given", a.Interface),
			Fix: "give one of them"}
	}
	return InterfaceIP(a.Interface)
}

// withPort adds Port or the default to a host that may have one already.
func (a ListenArgs) withPort(given, rest string) (string, error) {
	host, port, err := SplitHostPort(rest, NoPort)
	if err == nil {
		if a.Port != "" && port != 0 && a.Port != strconv.Itoa(port) {
			return "", &AddressError{Address: given, Problem: "port number given twice, here and as " + a.Port,
				Fix: "give one of them"}
		}
		return JoinHostPort(host, port), nil
	}
	host, _, err = SplitHostPort(rest, 0)
	if err != nil {
		return "", err
	}
	text := a.Port
	if text == "" {
		text = strconv.Itoa(a.DefaultPort)
	}
	if _, _, err := portRange(given, text); err != nil {
		return "", err
	}
	return JoinHostPort(host, NoPort) + ":" + text, nil
}

// ListenAddresses is [ListenArgs.Address] for several listeners: comma-separated
// Host, Port, Interface and Protocol of equal length; a single value is used for all.
func ListenAddresses(a ListenArgs) ([]string, error) {
	fields := []*string{&a.Host, &a.Port, &a.Interface, &a.Protocol}
	lists := make([][]string, len(fields))
	n := 1
	for i, f := range fields {
		lists[i] = strings.Split(*f, ",")
		n = max(n, len(lists[i]))
	}
	out := make([]string, 0, n)
	for k := range n {
		for i, f := range fields {
			switch len(lists[i]) {
			case 1:
				*f = strings.TrimSpace(lists[i][0])
			case n:
				*f = strings.TrimSpace(lists[i][k])
			default:
				return nil, &AddressError{Address: strings.Join(lists[i], ","), Problem: fmt.Sprintf("%d values where others have %d", len(lists[i]), n),
					Fix: "give host, port, interface and protocol equally many values, or one"}
			}
		}
		address, err := a.Address()
		if err != nil {
			return nil, err
		}
		out = append(out, address)
	}
	return out, nil
}

// InterfaceIP is the first IPv4 address of a network interface, else its first IPv6 one.
func InterfaceIP(name string) (string, error) {
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		all, _ := net.Interfaces()
		names := make([]string, len(all))
		for i := range all {
			names[i] = all[i].Name
		}
		return "", &AddressError{Address: name, Problem: "no such network interface", Err: err,
			Fix: "there are: " + strings.Join(names, ", ")}
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return "", &AddressError{Address: name, Problem: "cannot read its addresses", Err: err}
	}
	if ip := preferIPv4(addrs, func(net.IP) bool { return true }); ip != nil {
		return ip.String(), nil
	}
	return "", &AddressError{Address: name, Problem: "the interface has no IP address", Fix: "give a host instead"}
}

// preferIPv4 is the first IPv4 address that ok accepts, else the first IPv6 one.
func preferIPv4(addrs []net.Addr, ok func(net.IP) bool) net.IP {
	var second net.IP
	for _, a := range addrs {
		n, is := a.(*net.IPNet)
		if !is || !ok(n.IP) {
			continue
		}
		if n.IP.To4() != nil {
			return n.IP
		}
		if second == nil {
			second = n.IP
		}
	}
	return second
}

// portRange parses "8000" or "8000:8200" (both ends included).
func portRange(address, text string) (first, last int, err error) {
	from, to, isRange := strings.Cut(text, ":")
	if first, err = parsePort(address, from); err != nil {
		return 0, 0, err
	}
	if !isRange {
		return first, first, nil
	}
	if last, err = parsePort(address, to); err != nil {
		return 0, 0, err
	}
	if last < first || first == 0 {
		return 0, 0, &AddressError{Address: address, Problem: fmt.Sprintf("port range %s is empty", text),
			Fix: "write the smaller port first, from 1 on"}
	}
	return first, last, nil
}
