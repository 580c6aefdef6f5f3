package gdask

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// More data than workers may have in memory: what does not fit is on disk
// meanwhile, and every result is right all the same, for tasks as for the client.
func TestMoreDataThanMemory(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) { moreDataThanMemory(t, o) })
	}
}

// littleMemory lets values of each worker take 5 MiB of memory.
func littleMemory(t *testing.T, o LocalOptions) LocalOptions {
	t.Helper()
	memory := worker.DefaultMemory()
	memory.Target, memory.Compression = 0.01, "none"
	o.MemoryLimit, o.Memory, o.LocalDirectory = "512MiB", &memory, t.TempDir()
	return o
}

func filesOnDisk(t *testing.T, o LocalOptions) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(o.LocalDirectory, "worker-*", "storage", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func moreDataThanMemory(t *testing.T, o LocalOptions) {
	const blobs, size = 24, 1 << 20
	ctx := within(t, 120*time.Second)
	o = littleMemory(t, o)
	c := newClient(t, ctx, o)
	fs := make([]*Future[[]byte], blobs)
	for i := range fs {
		fs[i] = blob.Submit(c, size, byte(i))
	}
	lengths := make([]*Future[int], blobs)
	for i, f := range fs {
		lengths[i] = length.Submit(c, f)
	}
	for i, f := range lengths {
		if n, err := f.Result(ctx); err != nil || n != size {
			t.Fatalf("length of blob %d: %d, %v", i, n, err)
		}
	}
	until(t, "the writing of what is too much", func() bool { return len(filesOnDisk(t, o)) >= blobs/2 })
	for i, f := range fs {
		if got, err := f.Result(ctx); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, size)) {
			t.Fatalf("blob %d came back as %d bytes, %v", i, len(got), err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(o.LocalDirectory, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Values whose files were damaged are computed again, for tasks and for the
// client.
func TestDamagedValuesAreComputedAgain(t *testing.T) {
	const blobs, size = 16, 1 << 20
	ctx := within(t, 120*time.Second)
	o := littleMemory(t, modes["processes"])
	c := newClient(t, ctx, o)
	fs := make([]*Future[[]byte], blobs)
	for i := range fs {
		fs[i] = blob.Submit(c, size, byte(i))
	}
	if err := Wait(ctx, fs...); err != nil {
		t.Fatal(err)
	}
	files := filesOnDisk(t, o)
	if len(files) == 0 {
		t.Fatal("nothing is on disk")
	}
	for _, path := range files {
		if err := os.Truncate(path, size/2); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for i, f := range fs[:blobs/2] {
		if n, err := length.Submit(c, f).Result(ctx); err != nil || n != size {
			t.Fatalf("length of blob %d: %d, %v", i, n, err)
		}
	}
	for i, f := range fs {
		if got, err := f.Result(ctx); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i)}, size)) {
			t.Fatalf("blob %d came back as %d bytes, %v", i, len(got), err)
		}
	}
}
