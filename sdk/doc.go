// Package sdk is what the main function of a gdask plugin calls. A worker class
// of a few lines is a complete plugin:
//
//	func main() {
//		sdk.Serve(worker.New("mycustom", func(cfg *shout) (worker.Executor, error) { return cfg, nil }))
//	}
//
// Built as gdask-plugin-worker-mycustom and put into a plugin directory, it is
// found by `gdask --worker-class=mycustom`. Run with the argument "describe" it
// prints what it is as JSON; with "--debug" it waits for a host to attach, so
// that it can run under a debugger.
package sdk

// Version is the version of the SDK. It is shown to users and never gates
// loading: compatibility is a matter of the services in the description.
const Version = "0.1.0"
