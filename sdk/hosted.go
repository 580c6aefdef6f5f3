package sdk

import (
	"context"
	"errors"
	"os"
	"strconv"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/internal/lifeline"
)

// serveHosted is the life of a plugin process under a host: claim the standard
// streams, tie our life to the host's, serve, end everything.
func serveHosted(p Plugin, s *served) error {
	restore, err := claimStdout()
	if err != nil {
		return err
	}
	defer restore()
	logger := hclog.New(&hclog.LoggerOptions{Name: p.Name(), Level: hclog.Info, Output: os.Stderr, JSONFormat: true})
	tidyExec()
	line, err := lifeline.Open(os.Getenv(handshake.LifelineEnv))
	if err != nil {
		return err
	}
	l := newLife(s, logger)
	l.text = os.Stderr
	logTo(p, logger)
	if line != nil {
		l.tie(line)
	}
	defer outlivePipes()()
	stop := l.onTerm()
	defer stop()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig:  handshake.Config(p.Kind()),
		VersionedPlugins: map[int]plugin.PluginSet{handshake.Bootstrap: {p.Kind(): &grpcPlugin{life: l}}},
		GRPCServer:       l.newServer,
		Logger:           logger,
	})
	return l.end()
}

// tidyExec closes the descriptor that we were executed from and takes the host's
// name for us out of the environment: a program that this process starts is not
// the class that we are.
func tidyExec() {
	if fd, err := strconv.Atoi(os.Getenv(handshake.ExecFDEnv)); err == nil && fd > 2 {
		_ = os.NewFile(uintptr(fd), "exec").Close()
		nameProcess(os.Args[0])
	}
	_ = os.Unsetenv(handshake.ExecFDEnv)
	_ = os.Unsetenv(handshake.NameEnv)
}

// grpcPlugin puts our services on go-plugin's server.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	life *life
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer registers the services of the class.
func (g *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	g.life.register(s)
	return nil
}

// GRPCClient is never used: the host has its own clients.
func (g *grpcPlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("the plugin side has no client")
}
