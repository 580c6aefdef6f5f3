package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gdask/gdask/examples/wordcount/words"
)

func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.txt": "The cat sat. the END", "sub/b.txt": strings.Repeat("dog Dog ", 100) + "\xff\xfe", "zero": "bin\x00ary", "none": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestListPackAndCheck(t *testing.T) {
	files, err := list(tree(t))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, size := range []int64{1, 7, 64, 1 << 20} {
		chunks := pack(files, size)
		var parts []words.Counts
		for _, c := range chunks {
			n := int64(0)
			for _, p := range c {
				n += p.Length
			}
			if n > size || n == 0 {
				t.Errorf("a chunk of %d bytes, limit %d", n, size)
			}
			counts, err := words.Count(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, counts)
		}
		total := words.Merge(parts)
		if err := check(total, files); err != nil {
			t.Errorf("chunks of %d bytes: %v", size, err)
		}
		if total["dog"] != 200 || total["the"] != 2 {
			t.Errorf("chunks of %d bytes: %v", size, total)
		}
		total["dog"]--
		if check(total, files) == nil {
			t.Error("a wrong count passed the check")
		}
		total["dog"]++
		total["unicorn"] = 1
		if check(total, files) == nil {
			t.Error("an invented word passed the check")
		}
	}
	if _, err := list(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing directory was listed")
	}
}
