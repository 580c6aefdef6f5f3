package graph

import (
	"os"
	"path/filepath"
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
