package comm

import "fmt"

// Beside is where to listen for who is reached by those who reach address: the
// same scheme, any port, on loopback when address is.
func (s *Set) Beside(address string) (string, error) {
	t, _, err := s.Lookup(address)
	if err != nil {
		return "", fmt.Errorf("address to listen on beside %q: %w", address, err)
	}
	switch {
	case t.Scheme() == "inproc" || t.Scheme() == "unix":
		return Join(t.Scheme(), ""), nil
	case Loopback(address):
		return Join(t.Scheme(), "127.0.0.1:0"), nil
	}
	return Join(t.Scheme(), ":0"), nil
}
