package state

import (
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// keyText is the text that names a key: of a str, or of a tuple's first part.
func keyText(k wire.Key) string {
	for len(k) > 0 {
		if s, ok := k.Str(); ok {
			return s
		}
		switch c := k[0]; {
		case c&0xf0 == 0x90: // small array
			k = firstPart(k[1:])
		case c == 0xdc && len(k) > 3:
			k = firstPart(k[3:])
		case c == 0xc4 && len(k) > 2: // bytes
			return string(k[2:])
		default:
			return ""
		}
	}
	return ""
}

// firstPart cuts a str off the rest of a tuple. Other parts are left as they are.
func firstPart(k wire.Key) wire.Key {
	if len(k) == 0 {
		return k
	}
	var n int
	switch c := k[0]; {
	case c&0xe0 == 0xa0:
		n = 1 + int(c&0x1f)
	case c == 0xd9 && len(k) > 1:
		n = 2 + int(k[1])
	case c == 0xda && len(k) > 2:
		n = 3 + int(k[1])<<8 + int(k[2])
	default:
		return k
	}
	if n > len(k) {
		return ""
	}
	return k[:n]
}

// groupName is the collection of a key: a tuple's name with its token, a str's
// name without.
func groupName(k wire.Key) string {
	s := keyText(k)
	if len(k) > 0 && (k[0]&0xf0 == 0x90 || k[0] == 0xdc) && s != "" {
		return s
	}
	return splitName(s)
}

// splitName is Dask's key_split: the leading words of a key up to a token.
func splitName(s string) string {
	if s == "" {
		return "Other"
	}
	end := strings.IndexByte(s, '-')
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return "Other"
	}
	if c := s[0]; c < 0x80 && !isAlpha(c) && c != '<' {
		r := s[:end]
		if i := strings.IndexByte(r, ','); i >= 0 {
			r = r[:i]
		}
		return orOther(strings.Trim(r, "_'()\""))
	}
	for end < len(s) {
		next := strings.IndexByte(s[end+1:], '-')
		if next < 0 {
			next = len(s)
		} else {
			next += end + 1
		}
		if w := s[end+1 : next]; !allAlpha(w) || len(w) == 8 && allHex(w) {
			break
		}
		end = next
	}
	return finishName(s[:end])
}

func finishName(r string) string {
	if len(r) == 32 && allHex(r) {
		return "data"
	}
	if r[0] == '<' {
		r = strings.Trim(r, "<>")
		if i := strings.IndexByte(r, ' '); i >= 0 {
			r = r[:i]
		}
		r = r[strings.LastIndexByte(r, '.')+1:]
	}
	return orOther(r)
}

func orOther(s string) string {
	if s == "" {
		return "Other"
	}
	return s
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func allAlpha(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) && s[i] < 0x80 {
			return false
		}
	}
	return s != ""
}

func allHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// PrefixOf is the name that a key's task has in common with others.
func PrefixOf(k wire.Key) string { return splitName(groupName(k)) }
