package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/gdask/gdask/examples/wordcount/words"
)

// goSource is the source tree of the Go installation on this machine.
func goSource(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	root := strings.TrimSpace(string(out))
	if err == nil && root == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("cannot find the Go installation of %s (go env GOROOT: %w); name a directory with -dir", runtime.Version(), err)
	}
	return filepath.Join(root, "src"), nil
}

// file is a text file.
type file struct {
	path string
	size int64
}

// list finds the text files below dir, in lexical order.
func list(dir string) ([]file, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if text, err := isText(path); err != nil || !text {
			return err
		}
		files = append(files, file{path: path, size: info.Size()})
		return nil
	})
	if err == nil && len(files) == 0 {
		err = errors.New("it has no text files")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", dir, err)
	}
	return files, nil
}

// isText says that a file has something in it and no zero byte at its start.
func isText(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n > 0 && bytes.IndexByte(head[:n], 0) < 0, err
}

// pack makes chunks of about size bytes: small files together, big ones cut.
func pack(files []file, size int64) [][]words.Piece {
	var chunks [][]words.Piece
	var chunk []words.Piece
	room := size
	for _, f := range files {
		for at := int64(0); at < f.size; {
			n := min(room, f.size-at)
			chunk = append(chunk, words.Piece{Path: f.path, Offset: at, Length: n})
			at += n
			if room -= n; room == 0 {
				chunks, chunk, room = append(chunks, chunk), nil, size
			}
		}
	}
	if len(chunk) > 0 {
		chunks = append(chunks, chunk)
	}
	return chunks
}
