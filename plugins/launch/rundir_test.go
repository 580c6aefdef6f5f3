//go:build unix

package launch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunDirs(t *testing.T) {
	base := shortDir(t)
	a, err := NewRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(a.Path()); err != nil {
		t.Fatalf("a second host swept the first one's directory: %v", err)
	}
	for _, d := range []*RunDir{a, b, a} {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Fatalf("left %v", left)
	}
}

func TestSweepKeepsWhatIsNotOurs(t *testing.T) {
	base := shortDir(t)
	stale, other := filepath.Join(base, "abc123"), filepath.Join(base, "something-else")
	for _, p := range []string{stale, other} {
		if err := os.MkdirAll(filepath.Join(p, "sub"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(base); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a directory without a living owner is still there")
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("a directory that is no run directory was removed")
	}
}

func TestRunDirIsPrivate(t *testing.T) {
	open := shortDir(t)
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(shortDir(t), "link")
	if err := os.Symlink(shortDir(t), link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{open: "chmod 700", link: "no directory"} {
		if _, err := NewRunDir(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestBases(t *testing.T) {
	if got := Bases("/run/user/5"); got[0] != "/run/user/5/gdask" || len(got) != 2 {
		t.Error(got)
	}
	if got := Bases("relative"); len(got) != 1 || !strings.HasPrefix(got[0], "/tmp/gdask-") {
		t.Error(got)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"@level":"info","@message":"m","@timestamp":"x","k":[1]}`))
	f.Add([]byte(`{"@level":1,"@message":{}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if e, ok := parseEntry(line); ok && e.text() == "" {
			t.Fatal("an entry without text")
		}
	})
}
