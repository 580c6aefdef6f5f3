package words

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/gdask/gdask/sdk/task"
)

const text = "The cat, the CAT and été_1\x00tail; a_b a-b\n"

var want = Counts{"the": 2, "cat": 2, "and": 1, "été_1": 1, "tail": 1, "a_b": 1, "a": 1, "b": 1}

func TestPiecesOfAnySizeGiveTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for size := int64(1); size <= int64(len(text))+1; size++ {
		var parts []Counts
		for at := int64(0); at < int64(len(text)); at += size {
			c, err := Count(t.Context(), []Piece{{Path: path, Offset: at, Length: min(size, int64(len(text))-at)}})
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, c)
		}
		if got := Merge(parts); !maps.Equal(got, want) {
			t.Errorf("pieces of %d bytes: %v, want %v", size, got, want)
		}
	}
	if _, err := Count(t.Context(), []Piece{{Path: path + "x", Length: 1}}); err == nil {
		t.Error("a missing file was counted")
	}
}

func TestCountsTravel(t *testing.T) {
	data, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var got Counts
	if err := got.UnmarshalBinary(data); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for i := range data {
		if err := got.UnmarshalBinary(data[:i]); err == nil {
			t.Errorf("%d of %d bytes accepted", i, len(data))
		}
	}
}

func TestRegister(t *testing.T) {
	r := task.NewRegistry()
	if err := Register(r); err != nil {
		t.Fatal(err)
	}
	if r.Lookup(CountName) == nil || r.Lookup(MergeName) == nil {
		t.Error("functions are missing")
	}
}

func FuzzUnmarshalCounts(f *testing.F) {
	data, _ := want.MarshalBinary()
	f.Add(data)
	f.Fuzz(func(_ *testing.T, data []byte) {
		var c Counts
		_ = c.UnmarshalBinary(data)
	})
}
