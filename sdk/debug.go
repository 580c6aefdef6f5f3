package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/gdask/gdask/sdk/handshake"
)

// Reattach is the value of GDASK_REATTACH: where a host finds a plugin that was
// started by hand.
type Reattach struct {
	Kind string `json:"kind"` // "worker", ...
	Name string `json:"name"` // of the class
	Addr string `json:"addr"` // path of its unix socket
	Pid  int    `json:"pid"`  // for messages only; the host never signals it
}

// serveDebug serves until interrupted, for a host that attaches by the printed
// value. Nothing of the process's streams is touched.
func serveDebug(p Plugin, s *served) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l := newLife(s, hclog.New(&hclog.LoggerOptions{Name: p.Name(), Level: hclog.Debug, Output: os.Stderr}))
	logTo(p, l.logger)
	found, closed := make(chan *plugin.ReattachConfig, 1), make(chan struct{})
	go plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake.Config(p.Kind()),
		VersionedPlugins: map[int]plugin.PluginSet{handshake.Bootstrap: {p.Kind(): &grpcPlugin{life: l}}},
		GRPCServer:       l.newServer,
		Logger:           l.logger,
		Test:             &plugin.ServeTestConfig{Context: ctx, ReattachConfigCh: found, CloseCh: closed},
	})
	at := <-found
	value, err := json.Marshal(Reattach{Kind: p.Kind(), Name: p.Name(), Addr: at.Addr.String(), Pid: at.Pid})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(os.Stdout, "GDASK_REATTACH='%s'\n", value); err != nil {
		return err
	}
	<-closed
	return l.end()
}
