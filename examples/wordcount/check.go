package main

import (
	"bytes"
	"fmt"
	"os"
	"unicode/utf8"

	"github.com/gdask/gdask/examples/wordcount/words"
)

// check counts again, here, file by file and without any of the workers'
// code, and compares every word.
func check(total words.Counts, files []file) error {
	want, err := countAgain(files)
	if err != nil {
		return err
	}
	for w, n := range want {
		if total[w] != n {
			return fmt.Errorf("the cluster counted %q %d times, a sequential count %d times", w, total[w], n)
		}
	}
	for w, n := range total {
		if want[w] == 0 {
			return fmt.Errorf("the cluster counted %q %d times, a sequential count never", w, n)
		}
	}
	return nil
}

func countAgain(files []file) (map[string]int64, error) {
	byCase := map[string]int64{}
	for _, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			return nil, err
		}
		for _, w := range bytes.FieldsFunc(data, isGap) {
			byCase[string(w)]++
		}
	}
	want := make(map[string]int64, len(byCase))
	for w, n := range byCase {
		want[lower(w)] += n
	}
	return want, nil
}

// isGap says that a rune is in no word; bytes that are no UTF-8 are in words.
func isGap(r rune) bool {
	letter := 'a' <= r|0x20 && r|0x20 <= 'z'
	digit := '0' <= r && r <= '9'
	return r < utf8.RuneSelf && !letter && !digit && r != '_'
}

// lower turns ASCII capitals into small letters and leaves other bytes alone,
// also those that are no UTF-8.
func lower(w string) string {
	b := []byte(w)
	for i := range b {
		if b[i]-'A' < 26 {
			b[i] |= 0x20
		}
	}
	return string(b)
}
