package scheduler

import (
	"bytes"

	"github.com/tinylib/msgp/msgp"
)

// uploader is a graph reader that takes the files that Python clients upload for
// the scheduler, so that it can read graphs that need them.
type uploader interface {
	Upload(pickle []byte) error
}

// uploadFile passes a Python scheduler plugin to the graph reader if it is the one
// that Dask's upload_file registers; false when it is another. What runs in the
// scheduler for it is nothing: the reader's process checks what it is, and imports it.
func (c *call) uploadFile() (bool, error) {
	to, can := c.s.set.GraphReader.(uploader)
	pickle, _, err := msgp.ReadBytesBytes(c.raw("plugin"), nil)
	if can && err == nil && uploads(pickle) {
		return true, to.Upload(pickle)
	}
	return false, nil
}

func uploads(pickle []byte) bool {
	return bytes.Contains(pickle, []byte("distributed.diagnostics.plugin")) && bytes.Contains(pickle, []byte("SchedulerUploadFile"))
}
