package comm

import (
	"context"
	"fmt"
	"net"
	"sort"
)

// Set is the transports that a process may use, by scheme. It is immutable.
type Set struct {
	byScheme map[string]Transport
	first    string
	schemes  []string
}

// NewSet returns the set; two transports of one scheme are an error. The first
// is the default scheme.
func NewSet(ts ...Transport) (*Set, error) {
	s := &Set{byScheme: make(map[string]Transport, len(ts))}
	for _, t := range ts {
		scheme := t.Scheme()
		if scheme == "" || SchemeName(scheme) != scheme {
			return nil, fmt.Errorf("comm: transport %T has the scheme %q; it must be a name without \"://\"", t, scheme)
		}
		if have, twice := s.byScheme[scheme]; twice {
			return nil, fmt.Errorf("comm: two transports for scheme %q: %T and %T; leave one out", scheme, have, t)
		}
		if s.first == "" {
			s.first = scheme
		}
		s.byScheme[scheme] = t
		s.schemes = append(s.schemes, scheme)
	}
	sort.Strings(s.schemes)
	return s, nil
}

// Schemes are the schemes of the set in alphabetical order.
func (s *Set) Schemes() []string { return append([]string(nil), s.schemes...) }

// Default is the scheme of addresses that have none; "" for an empty set.
func (s *Set) Default() string { return s.first }

// Lookup returns the transport of an address and the address without scheme. An
// unknown scheme is an *AddressError that names the known ones and the nearest.
func (s *Set) Lookup(address string) (Transport, string, error) {
	scheme, rest := Split(address, s.first)
	t, ok := s.byScheme[scheme]
	if !ok {
		return nil, "", unknownScheme(address, scheme, s.schemes)
	}
	return t, rest, nil
}

// Resolve is the canonical form of an address, with its scheme.
func (s *Set) Resolve(ctx context.Context, address string) (string, error) {
	t, rest, err := s.Lookup(address)
	if err != nil {
		return "", err
	}
	if rest, err = t.Resolve(ctx, rest); err != nil {
		return "", err
	}
	return Join(t.Scheme(), rest), nil
}

// Host is the machine part of an address, by which peers on one machine are
// recognised; "" for an unknown scheme.
func (s *Set) Host(address string) string {
	t, rest, err := s.Lookup(address)
	if err != nil {
		return ""
	}
	return t.Host(rest)
}

// Listen binds "scheme://address".
func (s *Set) Listen(ctx context.Context, address string) (Listener, error) {
	t, rest, err := s.Lookup(address)
	if err != nil {
		return nil, err
	}
	ln, err := t.Listen(ctx, rest)
	if err != nil {
		return nil, err
	}
	contact, err := t.Contact(ln.Addr())
	if err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("comm: no contact address for %s: %w", Join(t.Scheme(), ln.Addr().String()), err)
	}
	return &listener{Listener: ln,
		listen:  Join(t.Scheme(), ln.Addr().String()),
		contact: Join(t.Scheme(), contact)}, nil
}

// Listener is a bound address of a Set.
type Listener interface {
	net.Listener
	// ListenAddress and ContactAddress have the scheme, e.g. "tcp://127.0.0.1:8786".
	ListenAddress() string
	ContactAddress() string
}

type listener struct {
	net.Listener
	listen, contact string
}

func (l *listener) ListenAddress() string  { return l.listen }
func (l *listener) ContactAddress() string { return l.contact }
