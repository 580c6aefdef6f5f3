package suite

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/handshake"
)

// handshakeRules start the plugin and make its acquaintance.
var handshakeRules = []rule{
	{name: "handshake/line", check: checkLine,
		why:    "the first line on standard output introduces the plugin: core version 1, version 1, a unix socket in the directory of PLUGIN_UNIX_SOCKET_DIR, grpc",
		remedy: "print nothing before that line (sdk.Serve keeps standard output clean for it)"},
	{name: "handshake/stdout-clean", check: checkStdout,
		why:    "after the first line standard output stays silent: nobody reads it as text, and what is in it disturbs hosts",
		remedy: "log to standard error"},
	{name: "handshake/version-offer", check: checkOffer,
		why:    "offered only versions that it does not have, a plugin introduces itself with one that it has, so that the host can refuse it with both sides' versions",
		remedy: "never repeat the host's PLUGIN_PROTOCOL_VERSIONS back; choose from your own"},
	{name: "handshake/mtls", check: checkMTLS,
		why:    "given PLUGIN_CLIENT_CERT a plugin serves with TLS, puts its certificate into field 6 of the line and takes only that client: hosts use this for all plugins that are not their own",
		remedy: "use go-plugin's AutoMTLS in the plugin's language, or the SDK"},
	{name: "handshake/health", check: checkHealth,
		why:    "the standard health service says SERVING for the service \"plugin\"; hosts ask every few seconds and replace a plugin that does not answer",
		remedy: "register grpc.health.v1.Health and set the service \"plugin\" to SERVING before the first line"},
	{name: "handshake/describe", check: checkDescribeCall,
		why:    "the Describe call says the same as the describe command, and all of it",
		remedy: "make both from one description"},
	{name: "handshake/services", check: checkServices,
		why:    "every service that the description lists is served",
		remedy: "register what you list, list what you register"},
	{name: "handshake/unknown-call", check: checkUnknownCall,
		why:    "a call that the plugin does not know is answered with Unimplemented and changes nothing: newer hosts try calls out",
		remedy: "leave unknown calls to the gRPC library"},
}

func checkLine(ctx context.Context, e *env) error {
	_, err := e.launch(ctx)
	return err
}

func checkStdout(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	if _, err := p.startWorker(ctx, e, s, "w"); err != nil {
		return err
	}
	if err := p.shutdown(ctx); err != nil {
		return err
	}
	return p.cleanOutput()
}

// cleanOutput checks what an ended process wrote to standard output.
func (p *process) cleanOutput() error {
	_, rest, _ := strings.Cut(p.stdout.text(), "\n")
	if rest != "" {
		return fmt.Errorf("behind the first line standard output has %d bytes more: %q", len(rest), shorten(rest))
	}
	return nil
}

func checkOffer(ctx context.Context, e *env) error {
	p, err := e.plugin("PLUGIN_PROTOCOL_VERSIONS=99")
	if err != nil {
		return err
	}
	line, err := p.handshakeLine(ctx)
	if err != nil {
		return err
	}
	g, err := parseGreeting(line)
	if err == nil && g.app == "99" {
		err = errors.New("the host offered version 99 and the plugin claims to have it")
	}
	return err
}

func checkMTLS(ctx context.Context, e *env) error {
	identity, text, err := newIdentity()
	if err != nil {
		return err
	}
	p, err := e.plugin("PLUGIN_CLIENT_CERT=" + text)
	if err != nil {
		return err
	}
	line, err := p.handshakeLine(ctx)
	if err != nil {
		return err
	}
	g, err := parseGreeting(line)
	if err != nil {
		return err
	}
	if g.cert == "" {
		return fmt.Errorf("PLUGIN_CLIENT_CERT was set, but the line %q has no certificate in field 6", shorten(line))
	}
	conn, err := g.dial(identity)
	if err != nil {
		return err
	}
	e.atEnd(conn.Close)
	if err := awaitReady(ctx, conn); err != nil {
		return err
	}
	if err := (&plugin{process: p, conn: conn}).health(ctx); err != nil {
		return err
	}
	return e.refusesStrangers(ctx, g)
}

// refusesStrangers checks that another client's certificate is not enough.
func (e *env) refusesStrangers(ctx context.Context, g greeting) error {
	stranger, _, err := newIdentity()
	if err != nil {
		return err
	}
	conn, err := g.dial(stranger)
	if err != nil {
		return err
	}
	e.atEnd(conn.Close)
	if (&plugin{conn: conn}).health(ctx) == nil {
		return errors.New("a client with another certificate than that of PLUGIN_CLIENT_CERT is served")
	}
	return nil
}

func checkHealth(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	return p.health(ctx)
}

func checkDescribeCall(ctx context.Context, e *env) error {
	p, err := e.launch(ctx)
	if err != nil {
		return err
	}
	got, err := p.description(ctx)
	if err != nil {
		return err
	}
	if err := complete(got); err != nil {
		return err
	}
	if e.program.Class != "" {
		if got.Name != e.program.Class {
			return fmt.Errorf("the name is %q, want %q", got.Name, e.program.Class)
		}
		return nil
	}
	want, err := e.describe(ctx)
	if err != nil {
		return err
	}
	return sameDescription(got, want)
}

// sameDescription compares without regard to blanks in the schema.
func sameDescription(call, command sdk.Description) error {
	if (len(call.ConfigSchema) > 0) != (len(command.ConfigSchema) > 0) {
		return errors.New("only one of the Describe call and the describe command has a configuration schema")
	}
	call.ConfigSchema, command.ConfigSchema = nil, nil
	for _, d := range []*sdk.Description{&call, &command} { // nil and empty are one on the wire
		d.Capabilities, d.Runtimes, d.Services = append([]string{}, d.Capabilities...), append([]string{}, d.Runtimes...), append([]string{}, d.Services...)
	}
	if !reflect.DeepEqual(call, command) {
		return fmt.Errorf("the Describe call says %+v, the describe command %+v", call, command)
	}
	return nil
}

func checkServices(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	d, err := p.description(ctx)
	if err != nil {
		return err
	}
	for _, s := range d.Services {
		switch s {
		case handshake.PluginV1:
			_, err = p.validate(ctx, nil)
		case handshake.WorkerV1:
			_, err = p.list(ctx)
		default:
			e.logf("service %s is not known to the suite and was not called", s)
		}
		if err != nil {
			return fmt.Errorf("service %s is listed, but: %w", s, err)
		}
	}
	return nil
}

func checkUnknownCall(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	call, cancel := within(ctx, "the answer to an unknown call")
	defer cancel()
	err = p.conn.Invoke(call, "/gdask.plugin.v1.Plugin/NoSuchCall", &emptypb.Empty{}, &emptypb.Empty{}, grpc.WaitForReady(true))
	if status.Code(err) != codes.Unimplemented {
		return fmt.Errorf("an unknown call was answered with %s (%w), want Unimplemented", status.Code(err), err)
	}
	return p.health(ctx)
}
