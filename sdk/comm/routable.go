package comm

import "net"

// probeAddress is a public host; it is never sent anything.
const probeAddress = "8.8.8.8:80"

// RoutableIP is the address of this machine by which others reach it: the one
// the kernel would use towards the Internet, else (no route) the first address
// of an interface that is up, else 127.0.0.1.
func RoutableIP() string {
	// Connecting a UDP socket chooses a route and sends nothing.
	if conn, err := net.Dial("udp", probeAddress); err == nil {
		defer func() { _ = conn.Close() }()
		if a, ok := conn.LocalAddr().(*net.UDPAddr); ok && !a.IP.IsUnspecified() {
			return a.IP.String()
		}
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	if ip := preferIPv4(addrs, net.IP.IsGlobalUnicast); ip != nil {
		return ip.String()
	}
	return "127.0.0.1"
}
