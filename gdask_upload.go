package gdask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gdask/gdask/sdk/hook"
)

// maxUpload bounds a file that is sent to every worker, in bytes.
const maxUpload = 256 << 20

// uploaded is the plugin that puts a file into the directory of its worker.
var uploaded = Func[WorkerPlugin]("gdask.upload-file", func(name string, data []byte) WorkerPlugin { return &uploadedFile{name, data} })

// UploadFile sends a file to all workers, also to those that join later: it is in
// the worker's local directory under its own name before the worker's next task
// runs. A task finds that directory with [CurrentWorker]; a file of the same name that
// was sent before is replaced. The workers must be of programs that use this package.
func (c *Client) UploadFile(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxUpload {
		err = fmt.Errorf("%s has %d bytes, more than the %d that can be sent to every worker; keep it where all workers can read it", path, info.Size(), maxUpload)
	}
	if err != nil {
		return fmt.Errorf("gdask: upload of a file: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("gdask: upload of a file: %w", err)
	}
	name := filepath.Base(path)
	return c.RegisterWorkerPlugin(ctx, uploaded, PluginOptions{Name: "upload-file-" + name}, name, data)
}

// uploadedFile is one file in one worker.
type uploadedFile struct {
	name string
	data []byte
}

// Setup writes the file, as a whole or not at all.
func (f *uploadedFile) Setup(_ context.Context, w hook.Worker) error {
	if f.name != filepath.Base(f.name) || !filepath.IsLocal(f.name) || f.name == "." {
		return fmt.Errorf("the file name %q is no plain name", f.name)
	}
	path := filepath.Join(w.LocalDirectory(), f.name)
	if err := os.WriteFile(path+".new", f.data, 0o600); err != nil {
		return errors.Join(err, os.RemoveAll(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	f.data = nil // the file has them
	return nil
}

// Teardown leaves the file to the end of the worker, which removes its directory:
// tasks may be reading it.
func (f *uploadedFile) Teardown(context.Context, hook.Worker) error { return nil }
