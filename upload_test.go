package gdask

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// readUpload reads a file from the directory of the worker that it runs on.
var readUpload = Func[string]("readUpload", func(ctx context.Context, name string) (string, error) {
	w, err := CurrentWorker(ctx)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(filepath.Join(w.LocalDirectory(), name))
	return w.Name() + " " + string(b), err
})

func TestUploadFileReachesPresentAndFutureWorkers(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			path := filepath.Join(t.TempDir(), "words.txt")
			for _, text := range []string{"one", "two"} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := c.UploadFile(ctx, path); err != nil {
					t.Fatal(err)
				}
				everywhere(t, ctx, c, text, "0", "1")
			}
			if err := c.own.Scale(3); err != nil {
				t.Fatal(err)
			}
			if err := c.WaitForWorkers(ctx, 3); err != nil {
				t.Fatal(err)
			}
			everywhere(t, ctx, c, "two", "2")
			if err := c.UploadFile(ctx, path+"-not"); err == nil || !strings.Contains(err.Error(), "words.txt-not") {
				t.Error(err)
			}
		})
	}
}

func everywhere(t *testing.T, ctx context.Context, c *Client, text string, workers ...string) {
	t.Helper()
	for _, w := range workers {
		got, err := readUpload.With(Options{Workers: []string{w}, Impure: true}).Submit(c, "words.txt").Result(ctx)
		if err != nil || got != w+" "+text {
			t.Errorf("worker %s: %q, %v", w, got, err)
		}
	}
}

// The name comes from a client: it must not lead out of the worker's directory.
func TestUploadedNamesStayInTheDirectory(t *testing.T) {
	for _, name := range []string{"", ".", "..", "/", "a/b", "../a", "/a"} {
		if err := (&uploadedFile{name: name}).Setup(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no plain name") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
