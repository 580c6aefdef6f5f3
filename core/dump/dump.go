// Package dump writes the state of a cluster to files that people and Dask's own
// tools read.
package dump

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// suffixes are the endings of file names by format, as Dask has them.
var suffixes = map[string]string{"msgpack": ".msgpack.gz", "yaml": ".yaml", "json": ".json"}

// File is the name that a dump gets: with the format's suffix when it lacks it.
// An empty format is the one that the suffix says, or msgpack.
func File(path, format string) (name, found string, err error) {
	if format == "" {
		for f, s := range suffixes {
			if strings.HasSuffix(path, s) {
				format = f
			}
		}
	}
	if format == "" {
		format = "msgpack"
	}
	suffix, ok := suffixes[format]
	if !ok {
		return "", "", fmt.Errorf("a dump cannot have the format %q; give msgpack, yaml or json", format)
	}
	if !strings.HasSuffix(path, suffix) {
		path += suffix
	}
	return path, format, nil
}

// Write writes one msgpack value in a format.
func Write(w io.Writer, format string, raw []byte) error {
	if format == "msgpack" {
		z := gzip.NewWriter(w)
		_, err := z.Write(raw)
		return errors.Join(err, z.Close())
	}
	v, err := Decode(raw)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if format == "yaml" {
		e := yaml.NewEncoder(b)
		e.SetIndent(2)
		err = errors.Join(e.Encode(v), e.Close())
	} else {
		e := json.NewEncoder(b)
		e.SetIndent("", "  ")
		err = e.Encode(v)
	}
	return errors.Join(err, b.Flush())
}

// Create writes a dump to a file of a directory, which appears as a whole or not
// at all.
func Create(dir Dir, name, format string, raw []byte) (err error) {
	f, err := dir.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(Write(f, format, raw), f.Close())
	if err == nil {
		err = dir.Rename(name+".new", name)
	}
	if err != nil {
		err = errors.Join(err, dir.Remove(name+".new"))
	}
	return err
}

// Dir is where a dump goes; an *os.Root is one.
type Dir interface {
	OpenFile(name string, flag int, perm os.FileMode) (*os.File, error)
	Rename(from, to string) error
	Remove(name string) error
}

// Anywhere is the whole file system.
type Anywhere struct{}

// OpenFile implements Dir.
func (Anywhere) OpenFile(name string, flag int, perm os.FileMode) (*os.File, error) {
	return os.OpenFile(filepath.Clean(name), flag, perm)
}

// Rename implements Dir.
func (Anywhere) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements Dir.
func (Anywhere) Remove(name string) error { return os.Remove(name) }
