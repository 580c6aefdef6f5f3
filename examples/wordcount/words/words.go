// Package words counts words in pieces of files. Its functions are what
// workers run; any worker class can offer them by calling [Register].
//
// A word is a longest run of letters, digits, underscores and bytes beyond
// ASCII. ASCII capitals count as small letters.
package words

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/gdask/gdask/sdk/task"
)

// Names of the functions, the same for clients and workers.
const (
	CountName = "wordcount.count"
	MergeName = "wordcount.merge"
)

// Piece is a part of a file.
type Piece struct {
	Path   string
	Offset int64
	Length int64
}

// Register offers the functions to workers.
func Register(r *task.Registry) error {
	return errors.Join(r.Register(CountName, Count), r.Register(MergeName, Merge))
}

// Count counts the words that begin in the pieces.
func Count(ctx context.Context, pieces []Piece) (Counts, error) {
	counts := Counts{}
	for _, p := range pieces {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := read(p)
		if err != nil {
			return nil, fmt.Errorf("count words of %s: %w", p.Path, err)
		}
		counts.add(data)
	}
	return counts, nil
}

// Merge adds counts up.
func Merge(parts []Counts) Counts {
	size := 0
	for _, p := range parts {
		size = max(size, len(p))
	}
	sum := make(Counts, size)
	for _, p := range parts {
		for w, n := range p {
			sum[w] += n
		}
	}
	return sum
}

// read returns the bytes of a piece without the word that began before it and
// with the rest of the word that begins in it.
func read(p Piece) ([]byte, error) {
	f, err := os.Open(p.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	start := max(p.Offset-1, 0) // the byte before tells whether a word goes on
	data := make([]byte, p.Offset+p.Length-start)
	n, err := f.ReadAt(data, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	data = data[:n]
	end := start + int64(n)
	if p.Offset > 0 {
		skip := 0
		for skip < len(data) && isWord(data[skip]) {
			skip++
		}
		if skip == len(data) {
			return nil, nil // one long word that began before
		}
		data = data[skip:]
	}
	if len(data) > 0 && isWord(data[len(data)-1]) {
		return appendRest(data, f, end)
	}
	return data, nil
}

// appendRest goes on reading until the word at the end of data ends.
func appendRest(data []byte, f io.ReaderAt, at int64) ([]byte, error) {
	buf := make([]byte, 256)
	for {
		n, err := f.ReadAt(buf, at)
		for i, b := range buf[:n] {
			if !isWord(b) {
				return append(data, buf[:i]...), nil
			}
		}
		data = append(data, buf[:n]...)
		at += int64(n)
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func isWord(b byte) bool { return small(b) != 0 }

// small is the small letter of a byte of a word, 0 of any other byte.
func small(b byte) byte {
	switch {
	case b >= 'A' && b <= 'Z':
		return b + 'a' - 'A'
	case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '_', b >= 0x80:
		return b
	}
	return 0
}

// Registry is a registry of these functions alone, for a worker class that
// offers nothing else. It panics if the functions cannot be registered, which
// only a change of this package can bring about.
func Registry() *task.Registry {
	r := task.NewRegistry()
	if err := Register(r); err != nil {
		panic(err) // a mistake in this package, found at once by its tests
	}
	return r
}
