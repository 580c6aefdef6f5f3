package graph

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// maxUploads bounds what clients upload for the reader, in bytes.
const maxUploads = 1 << 30

// uploadDir is where the reader's process looks for uploads, below its files.
const uploadDir = "uploads"

// Upload hands the reader a file of a Python client: the pickle of Dask's
// SchedulerUploadFile. The process imports it before it reads the next graph, also
// one that is started later.
func (r *Reader) Upload(pickle []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	total := len(pickle)
	for i, u := range r.uploads {
		if bytes.Equal(u, pickle) { // it comes again: only the later one counts
			u, r.uploads[i] = nil, nil
		}
		total += len(u)
	}
	if total > maxUploads {
		return fmt.Errorf("graph reader: uploads would take %d bytes, more than the %d that are kept; install the files where the scheduler runs",
			total, maxUploads)
	}
	if r.current != nil && !r.current.ended() {
		if err := writeUpload(r.current.files, len(r.uploads), pickle); err != nil {
			return err
		}
	}
	r.uploads = append(r.uploads, pickle)
	return nil
}

// writeUpload has a file appear as a whole; names sort in the order of uploads.
func writeUpload(files string, n int, pickle []byte) error {
	dir := filepath.Join(files, uploadDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("graph reader: upload: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%08s.pickle", strconv.Itoa(n)))
	if err := os.WriteFile(path+".new", pickle, 0o600); err != nil {
		return fmt.Errorf("graph reader: upload: %w", errors.Join(err, os.RemoveAll(path+".new")))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("graph reader: upload: %w", err)
	}
	return nil
}

// bring gives a new process what was uploaded before it; r.mu is held.
func (r *Reader) bring(p *process) error {
	for n, u := range r.uploads {
		if u == nil {
			continue
		}
		if err := writeUpload(p.files, n, u); err != nil {
			return err
		}
	}
	return nil
}
