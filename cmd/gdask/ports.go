package main

import (
	"fmt"
	"strconv"
	"strings"
)

// portPair are the ports of one worker and its nanny: numbers, ranges, or "".
type portPair struct{ worker, nanny string }

// portRange is the ports from first to last; zero is none.
type portRange struct{ first, last int }

func (r portRange) size() int {
	if r.first == 0 {
		return 0
	}
	return r.last - r.first + 1
}

func (r portRange) String() string {
	switch r.first {
	case 0:
		return ""
	case r.last:
		return strconv.Itoa(r.first)
	}
	return fmt.Sprintf("%d:%d", r.first, r.last)
}

// apportion shares the ports of two ranges out among n workers and their nannies
// without overlap.
func apportion(worker, nanny string, n int) ([]portPair, error) {
	w, err := parsePorts("--worker-port", worker)
	if err != nil {
		return nil, err
	}
	ny, err := parsePorts("--nanny-port", nanny)
	if err != nil {
		return nil, err
	}
	shared := w.size() > 0 && w == ny
	if !shared && w.size() > 0 && ny.size() > 0 && w.first <= ny.last && ny.first <= w.last {
		return nil, usagef("--worker-port %s and --nanny-port %s overlap; give the same range for both, or ranges apart", worker, nanny)
	}
	if shared {
		parts, err := split("--worker-port and --nanny-port", w, 2*n)
		if err != nil {
			return nil, err
		}
		return pairs(parts[:n], parts[n:]), nil
	}
	ws, err := split("--worker-port", w, n)
	if err != nil {
		return nil, err
	}
	nys, err := split("--nanny-port", ny, n)
	if err != nil {
		return nil, err
	}
	return pairs(ws, nys), nil
}

func pairs(ws, nys []portRange) []portPair {
	out := make([]portPair, len(ws))
	for i := range ws {
		out[i] = portPair{ws[i].String(), nys[i].String()}
	}
	return out
}

// split cuts a range into n parts of almost equal length.
func split(flag string, r portRange, n int) ([]portRange, error) {
	parts := make([]portRange, n)
	size := r.size()
	if size == 0 {
		return parts, nil
	}
	if size < n {
		return nil, usagef("%s has %d ports for %d listeners; give a range of at least %d, such as %d:%d", flag, size, n, n, r.first, r.first+n-1)
	}
	for i := range parts {
		parts[i] = portRange{r.first + i*size/n, r.first + (i+1)*size/n - 1}
	}
	return parts, nil
}

// parsePorts reads a number or "first:last"; "" and 0 leave the choice to the system.
func parsePorts(flag, text string) (portRange, error) {
	if text == "" || text == "0" {
		return portRange{}, nil
	}
	a, b, isRange := strings.Cut(text, ":")
	if !isRange {
		b = a
	}
	first, err1 := strconv.Atoi(a)
	last, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || first < 1 || last > 65535 || first > last {
		return portRange{}, usagef("%s is %q; give a port from 1 to 65535, or a range such as 8000:8100", flag, text)
	}
	return portRange{first, last}, nil
}
