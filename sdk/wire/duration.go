package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// MarshalMsg implements msgp.Marshaler: a number of seconds.
func (d Duration) MarshalMsg(b []byte) ([]byte, error) { return msgp.AppendFloat64(b, float64(d)), nil }

// UnmarshalMsg implements msgp.Unmarshaler for numbers, texts such as "100 ms" and nil.
func (d *Duration) UnmarshalMsg(b []byte) ([]byte, error) {
	if msgp.NextType(b) != msgp.StrType {
		f, rest, err := readNumber(b)
		*d = Duration(f)
		return rest, err
	}
	s, rest, err := msgp.ReadStringBytes(b)
	if err != nil {
		return b, err
	}
	v, err := parseDuration(s)
	*d = v
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (d Duration) Msgsize() int { return 9 }

// parseDuration reads Dask's duration texts; a bare number is seconds.
func parseDuration(s string) (Duration, error) {
	t := strings.ToLower(strings.ReplaceAll(s, " ", ""))
	i := strings.LastIndexAny(t, "0123456789.")
	num, unit := t[:i+1], t[i+1:]
	if num == "" {
		num = "1"
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil {
		return 0, fmt.Errorf("wire: duration %q is no number with a unit", s)
	}
	scale, ok := unitSeconds(unit)
	if !ok {
		return 0, fmt.Errorf("wire: duration %q has unit %q; known are ns, us, ms, s, m, h, d, w", s, unit)
	}
	return Duration(f * scale), nil
}

func unitSeconds(unit string) (float64, bool) {
	switch strings.TrimSuffix(unit, "s") {
	case "", "sec", "second":
		return 1, true
	case "m":
		if unit == "ms" {
			return 1e-3, true
		}
		return 60, true
	case "n", "nanosecond":
		return 1e-9, true
	case "u", "µ", "microsecond":
		return 1e-6, true
	case "milli", "millisecond":
		return 1e-3, true
	case "min", "minute":
		return 60, true
	case "h", "hr", "hour":
		return 3600, true
	case "d", "day":
		return 86400, true
	case "w", "week":
		return 604800, true
	}
	return 0, false
}
