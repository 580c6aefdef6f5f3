package worker

import "github.com/gdask/gdask/sdk/internal/workerrt"

// Purge removes the local directories that killed workers left under parent
// (a StartOptions.LocalDirectory; "" is the default one). Those of living
// workers stay. Every worker does so when it starts; a host does it when it
// closes, because no worker may start there again.
func Purge(parent string) { workerrt.Purge(parent) }
