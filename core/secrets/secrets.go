// Package secrets keeps values that are not for eyes out of what is printed and dumped.
package secrets

import "regexp"

// named are the names of keys whose values are secret.
var named = regexp.MustCompile(`(?i)(password|passwd|secret|token|credential|api[-_]?key|private[-_]?key)`)

// Redacted stands for a secret.
const Redacted = "<redacted>"

// Named says whether a key of that name has a secret for its value.
func Named(key string) bool { return named.MatchString(key) }

// Hide returns v with the secrets inside of its mappings and lists redacted. What
// it changes are copies.
func Hide(v any) any {
	switch x := v.(type) {
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = Hide(x[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, inner := range x {
			if out[k] = Hide(inner); Named(k) {
				out[k] = Redacted
			}
		}
		return out
	}
	return v
}
