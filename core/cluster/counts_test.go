package cluster

import (
	"testing"
)

func TestCountsOfProcesses(t *testing.T) {
	want := map[int]Counts{
		1: {1, 1}, 2: {2, 1}, 3: {3, 1}, 4: {4, 1}, 5: {5, 1}, 6: {3, 2}, 7: {7, 1}, 8: {4, 2}, 9: {3, 3},
		10: {5, 2}, 12: {4, 3}, 13: {13, 1}, 16: {4, 4}, 20: {5, 4}, 24: {6, 4}, 32: {8, 4}, 36: {6, 6},
		48: {8, 6}, 64: {8, 8}, 96: {12, 8}, 128: {16, 8},
	}
	for cores, w := range want {
		if got, err := CountsFor(cores, nil, nil, true); err != nil || got != w {
			t.Errorf("CountsFor(%d) = %v, %v; want %v", cores, got, err, w)
		}
	}
}

func TestCountsWithGivenNumbers(t *testing.T) {
	for _, c := range []struct {
		name             string
		cores            int
		workers, threads *int
		processes        bool
		want             Counts
	}{
		{"threads only mode", 8, nil, nil, false, Counts{1, 8}},
		{"threads given", 8, nil, new(3), true, Counts{2, 3}},
		{"more threads than cores", 2, nil, new(3), true, Counts{1, 3}},
		{"threads given in threads only mode", 8, nil, new(3), false, Counts{1, 3}},
		{"workers given", 8, new(3), nil, true, Counts{3, 3}},
		{"workers given in threads only mode", 8, new(2), nil, false, Counts{2, 4}},
		{"more workers than cores", 2, new(5), nil, true, Counts{5, 1}},
		{"both", 2, new(5), new(7), true, Counts{5, 7}},
		{"empty", 4, new(0), nil, true, Counts{0, 4}},
		{"no core known", 0, nil, nil, true, Counts{1, 1}},
	} {
		if got, err := CountsFor(c.cores, c.workers, c.threads, c.processes); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
	for _, bad := range [][2]*int{{new(-1), nil}, {nil, new(0)}, {new(1), new(-2)}} {
		if got, err := CountsFor(4, bad[0], bad[1], true); err == nil {
			t.Errorf("counts %v accepted as %v", bad, got)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	m := Machine{Memory: 8 << 30}
	for _, c := range []struct {
		text    string
		n       int
		want    int64
		clamped bool
	}{
		{"", 4, 2 << 30, false}, {"auto", 3, (8 << 30) / 3, false}, {"auto", 0, 8 << 30, false},
		{"0", 2, 0, false}, {"none", 2, 0, false}, {"0.5", 2, 4 << 30, false},
		{"1", 2, 8 << 30, false}, {"1.0", 2, 8 << 30, false}, {"1e9", 2, 1e9, false},
		{"1GiB", 2, 1 << 30, false}, {"100 GB", 2, 8 << 30, true},
	} {
		got, clamped, err := MemoryLimit(c.text, c.n, m)
		if err != nil || got != c.want || clamped != c.clamped {
			t.Errorf("%q of %d: %d, %v, %v; want %d, %v", c.text, c.n, got, clamped, err, c.want, c.clamped)
		}
	}
	for _, bad := range []string{"abc", "-1", "-0.5", "1XiB", "1e30", "nan"} {
		if got, _, err := MemoryLimit(bad, 1, m); err == nil {
			t.Errorf("%q accepted as %d", bad, got)
		}
	}
}

// A worker that was given fewer threads than there are cores has as much less of
// the memory.
func TestMemoryLimitOfThreads(t *testing.T) {
	m := Machine{Cores: 8, Memory: 8 << 30}
	for threads, want := range map[int]int64{1: 1 << 30, 2: 2 << 30, 8: 8 << 30, 20: 8 << 30} {
		if got, clamped, err := ThreadsMemoryLimit("auto", 1, threads, m); err != nil || got != want || clamped {
			t.Errorf("%d threads: %d, %v, %v", threads, got, clamped, err)
		}
	}
	if got, _, err := ThreadsMemoryLimit("auto", 16, 1, m); err != nil || got != 1<<29 {
		t.Errorf("more workers than cores: %d, %v", got, err)
	}
	if got, _, err := ThreadsMemoryLimit("0.5", 1, 1, m); err != nil || got != 4<<30 {
		t.Errorf("half: %d, %v", got, err)
	}
	if got, clamped, err := ThreadsMemoryLimit("9GiB", 1, 1, m); err != nil || got != 8<<30 || !clamped {
		t.Errorf("too much: %d, %v, %v", got, clamped, err)
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"1B": 1, "2k": 2000, "2 kB": 2000, "1M": 1e6, "3MB": 3e6, "1G": 1e9, "1.5GB": 15e8, "1T": 1e12, "1PB": 1e15,
		"1Ki": 1024, "1kib": 1024, "2MiB": 2 << 20, "1GI": 1 << 30, "1TiB": 1 << 40, "1PiB": 1 << 50, "MiB": 1 << 20, "5e3": 5000,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 900: "900 B", 1000: "0.98 kiB", 1 << 30: "1.00 GiB", 3 << 29: "1.50 GiB", 1 << 40: "1.00 TiB"} {
		if got := FormatBytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
