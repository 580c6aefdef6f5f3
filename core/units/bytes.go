package units

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseBytes reads an amount of bytes: a number with an optional unit B, k, M,
// G, T, P (powers of 1000) or Ki ... Pi (powers of 1024), each with or without
// B, in any case, blanks ignored. A unit alone is one of it. Negative amounts
// and empty texts are errors.
func ParseBytes(text string) (int64, error) {
	n, unit, err := split(text)
	if err != nil {
		return 0, fmt.Errorf("%q is no amount of bytes; write a number with a unit such as 1GiB", text)
	}
	factor, ok := byteUnit(unit)
	if !ok {
		return 0, fmt.Errorf("%q has the unknown unit %q; use B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB or PiB", text, unit)
	}
	if n *= factor; !(n >= 0 && n < math.MaxInt64) {
		return 0, fmt.Errorf("%q is out of range; give 0 to 8 EiB", text)
	}
	return int64(n), nil
}

// split parts a number from the unit behind it; no number is 1, no unit "".
func split(text string) (float64, string, error) {
	s := strings.Join(strings.Fields(text), "")
	if s == "" {
		return 0, "", errors.New("empty")
	}
	end := len(s)
	for end > 0 && (s[end-1] < '0' || s[end-1] > '9') && s[end-1] != '.' {
		end--
	}
	if end == 0 {
		return 1, s, nil
	}
	n, err := strconv.ParseFloat(s[:end], 64)
	return n, s[end:], err
}

func byteUnit(s string) (float64, bool) {
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
