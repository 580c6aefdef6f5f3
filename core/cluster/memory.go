package cluster

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MemoryLimit is the limit of one of n workers in bytes, 0 for none, from what
// the user wrote:
//
//   - "" and "auto": an even share of the machine
//   - "0" and "none": no limit
//   - a number up to 1, such as "0.5": a fraction of the machine
//   - a larger number: bytes
//   - a number with a unit: "1GiB", "500 MB", "2e3 k"
//
// More than the machine has is lowered to that; clamped then says so.
func MemoryLimit(text string, n int, m Machine) (limit int64, clamped bool, err error) {
	return memoryLimit(text, m.Memory/int64(max(n, 1)), m)
}

// ThreadsMemoryLimit is [MemoryLimit] of one of n workers that do not have the
// machine to themselves: its share is that of its threads in the cores, and no
// more than an even one.
func ThreadsMemoryLimit(text string, n, threads int, m Machine) (limit int64, clamped bool, err error) {
	share := min(1/float64(max(n, 1)), float64(threads)/float64(max(m.Cores, 1)))
	return memoryLimit(text, int64(share*float64(m.Memory)), m)
}

func memoryLimit(text string, share int64, m Machine) (limit int64, clamped bool, err error) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "", "auto":
		return share, false, nil
	case "none":
		return 0, false, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err == nil && x >= 0 && x <= 1 {
		return int64(x * float64(m.Memory)), false, nil
	}
	limit, err = ParseBytes(text)
	if err != nil {
		return 0, false, fmt.Errorf("cluster: memory limit: %w", err)
	}
	if m.Memory > 0 && limit > m.Memory {
		return m.Memory, true, nil
	}
	return limit, false, nil
}

// units are the suffixes of amounts of bytes, lower case.
func unit(s string) (float64, bool) {
	s = strings.ToLower(s)
	if s == "" || s == "b" {
		return 1, true
	}
	power := strings.IndexByte("kmgtp", s[0]) + 1
	if power == 0 {
		return 0, false
	}
	switch s[1:] {
	case "", "b":
		return math.Pow(1000, float64(power)), true
	case "i", "ib":
		return math.Pow(1024, float64(power)), true
	}
	return 0, false
}

// ParseBytes reads an amount of bytes: a number with an optional unit B, k, M,
// G, T, P (powers of 1000) or Ki ... Pi (powers of 1024), each with or without
// B, in any case, blanks ignored. A unit alone is one of it. Negative amounts
// and empty texts are errors.
func ParseBytes(text string) (int64, error) {
	s := strings.Join(strings.Fields(text), "")
	if s == "" {
		return 0, fmt.Errorf("an empty text is no amount of bytes; write a number with a unit such as 1GiB")
	}
	end := len(s)
	for end > 0 && (s[end-1] < '0' || s[end-1] > '9') && s[end-1] != '.' {
		end--
	}
	factor, ok := unit(s[end:])
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q; use B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB or PiB", text, s[end:])
	}
	n := 1.0
	if end > 0 {
		var err error
		if n, err = strconv.ParseFloat(s[:end], 64); err != nil {
			return 0, fmt.Errorf("%q is no amount of bytes; write a number with a unit such as 1GiB", text)
		}
	}
	if n *= factor; n < 0 || math.IsNaN(n) || n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is out of range; give 0 to 8 EiB", text)
	}
	return int64(n), nil
}

// FormatBytes is an amount for people, as Dask prints it: two decimals, the next
// unit from nine tenths of it on.
func FormatBytes(n int64) string {
	for i, u := range []string{"PiB", "TiB", "GiB", "MiB", "kiB"} {
		size := math.Pow(1024, float64(5-i))
		if float64(n) >= size*0.9 {
			return fmt.Sprintf("%.2f %s", float64(n)/size, u)
		}
	}
	return fmt.Sprintf("%d B", n)
}
