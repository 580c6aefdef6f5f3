package main

import "testing"

func TestMemoryIsTrimmedAfterWorkOnly(t *testing.T) {
	const mib = 1 << 20
	var tr trimmer
	total := uint64(0)
	for i, s := range []struct {
		allocated uint64 // in this second
		trim      bool
	}{
		{10 * mib, false}, // start of the process
		{0, false},        // not worth it yet
		{500 * mib, false},
		{200 * mib, false}, // still at work
		{1 * mib, true},
		{1 * mib, false}, // nothing new
		{3 * mib, false},
		{40 * mib, false},
		{2 * mib, true},
	} {
		total += s.allocated
		if got := tr.due(total); got != s.trim {
			t.Errorf("second %d: trim %v, want %v", i, got, s.trim)
		}
	}
}
