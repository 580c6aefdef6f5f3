package graph

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestUploadsComeToEveryProcess(t *testing.T) {
	r := New(Settings{})
	for _, text := range []string{"first", "second"} { // no process runs yet
		if err := r.Upload([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	files := t.TempDir()
	if err := r.bring(&process{files: files}); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(files, uploadDir, "*.pickle"))
	if err != nil || len(names) != 2 {
		t.Fatalf("%v, %v", names, err)
	}
	for i, want := range []string{"first", "second"} { // sorted, as the process reads them
		if b, err := os.ReadFile(names[i]); err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v", names[i], b, err)
		}
	}
	large := make([]byte, maxUploads/16)
	for range 16 {
		r.uploads = append(r.uploads, large)
	}
	if err := r.Upload([]byte("x")); err == nil {
		t.Error("uploads have no bound")
	}
}

// A file that is uploaded again and again takes its room once, and comes after
// what was uploaded in between.
func TestUploadsThatComeAgain(t *testing.T) {
	r := New(Settings{})
	for range 40 {
		for _, u := range []string{"one", "other"} {
			if err := r.Upload([]byte(u)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept := slices.DeleteFunc(slices.Clone(r.uploads), func(u []byte) bool { return u == nil }); len(kept) != 2 {
		t.Errorf("%d uploads are kept, want 2", len(kept))
	}
	r.uploads = append([][]byte{[]byte("v1"), []byte("v2")}, nil)
	if err := r.Upload([]byte("v1")); err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	if err := r.bring(&process{files: files}); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(files, uploadDir, "*.pickle"))
	if err != nil || len(names) != 2 {
		t.Fatalf("%v, %v", names, err)
	}
	for i, want := range []string{"v2", "v1"} {
		if b, err := os.ReadFile(names[i]); err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v", names[i], b, err)
		}
	}
}
