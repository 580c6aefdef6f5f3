package units

import (
	"strings"
	"testing"
	"time"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1B": 1, "2k": 2000, "2 kB": 2000, "1M": 1e6, "3MB": 3e6, "1G": 1e9, "1.5GB": 15e8, "1T": 1e12, "1PB": 1e15,
		"1Ki": 1024, "1kib": 1024, "2MiB": 2 << 20, "1GI": 1 << 30, "1TiB": 1 << 40, "1PiB": 1 << 50, "MiB": 1 << 20,
		"5e3": 5000, " 1 0 0 MB ": 1e8, "b": 1, "12.": 12,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "no amount", "abc": `unknown unit "abc"`, "1XiB": `unknown unit "XiB"`, "-1": "out of range", "1e300": "out of range",
		"1..2": "no amount", "0x10": "no amount", "9PB9": "no amount", "nan": "unknown unit",
	} {
		if got, err := ParseBytes(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %d, %v; want %q", text, got, err, why)
		}
	}
}

func TestFormatBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 900: "900 B", 1000: "0.98 kiB", 1 << 30: "1.00 GiB", 3 << 29: "1.50 GiB", 1 << 40: "1.00 TiB",
	} {
		if got := FormatBytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Second, "1.5": 1500 * time.Millisecond, "30s": 30 * time.Second, "500ms": 500 * time.Millisecond,
		"10us": 10 * time.Microsecond, "7ns": 7, "2m": 2 * time.Minute, "5 minutes": 5 * time.Minute, "1 hour": time.Hour,
		"1h": time.Hour, "2 Days": 48 * time.Hour, "1w": 168 * time.Hour, "0 seconds": 0, "s": time.Second, "1e3 ms": time.Second,
		"1h30m": 90 * time.Minute, "10 milliseconds": 10 * time.Millisecond, "3 secs": 3 * time.Second,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "no duration", "fast": `unknown unit "fast"`, "1 fortnight": "unknown unit", "-3s": "out of range", "1e300w": "out of range",
		"1..2s": "no duration", "ss": "unknown unit", "5 mss": "unknown unit",
	} {
		if got, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, %v; want %q", text, got, err, why)
		}
	}
}

func FuzzParseBytes(f *testing.F) {
	for _, s := range []string{"1GiB", "MiB", "1e9", "", "abc", "-1", ". B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseBytes(s); err == nil && n < 0 {
			t.Errorf("ParseBytes(%q) = %d", s, n)
		}
	})
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"5 minutes", "1h30m", "1e3us", "", "w", "-1s", "9223372036854775807ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil && d < 0 {
			t.Errorf("ParseDuration(%q) = %v", s, d)
		}
	})
}
