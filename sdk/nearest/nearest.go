// Package nearest finds the spelling that was probably meant.
package nearest

import "strings"

// Of returns the candidate nearest to the word, "" when none is near: more than
// a third of the letters would have to change. Case, "-" and "_" do not count.
func Of(word string, candidates []string) string {
	plain := fold(word)
	best, found := max(2, len(plain)/3)+1, ""
	for _, c := range candidates {
		if d := distance(plain, fold(c), best); d < best {
			best, found = d, c
		}
	}
	if best >= max(len(plain), 1) { // nothing of the word would be left
		return ""
	}
	return found
}

// Hint is a sentence for the end of an error, or "".
func Hint(word string, candidates []string) string {
	if c := Of(word, candidates); c != "" {
		return "; did you mean \"" + c + "\"?"
	}
	return ""
}

func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "_", "-")
}

// distance is the number of single letters to insert, delete, replace or swap
// with their neighbour, limit when it is at least that.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		older := before
		before, row = row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(before[j]+1, row[j-1]+1, before[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return min(row[len(b)], limit)
}
