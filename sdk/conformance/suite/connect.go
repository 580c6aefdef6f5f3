package suite

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/handshake/peercred"
)

// greeting is the line with which a plugin introduces itself:
// core|app|network|address|protocol|certificate|multiplex.
type greeting struct {
	core, app, network, address, protocol, cert string
}

// parseGreeting reads the line; what is wrong is an error with the field.
func parseGreeting(line string) (greeting, error) {
	f := strings.Split(line, "|")
	if len(f) < 5 || len(f) > 7 {
		return greeting{}, fmt.Errorf("the first line on standard output is %q; it must be core|app|network|address|protocol[|certificate[|multiplex]], such as 1|1|unix|/run/x/plugin1|grpc", shorten(line))
	}
	g := greeting{core: f[0], app: f[1], network: f[2], address: f[3], protocol: f[4]}
	if len(f) > 5 {
		g.cert = f[5]
	}
	return g, nil
}

// check compares with what the host asked for.
func (g greeting) check(sockets string) error {
	switch {
	case g.core != "1":
		return fmt.Errorf("the core version is %q, want 1", g.core)
	case g.app != fmt.Sprint(handshake.Bootstrap):
		return fmt.Errorf("the version is %q, the host offered %d only", g.app, handshake.Bootstrap)
	case g.network != "unix":
		return fmt.Errorf("the network is %q, want unix: hosts check who listens, which TCP does not tell", g.network)
	case g.protocol != "grpc":
		return fmt.Errorf("the protocol is %q, want grpc", g.protocol)
	case !strings.HasPrefix(filepath.Clean(g.address), sockets+"/"):
		return fmt.Errorf("the socket is %s; the host asked in PLUGIN_UNIX_SOCKET_DIR for one below %s", g.address, sockets)
	}
	return nil
}

// dial connects to the plugin. With identity, its certificate must be the one of
// the greeting and ours is shown; otherwise the user of the peer is checked.
func (g greeting) dial(identity *tls.Certificate) (*grpc.ClientConn, error) {
	var creds credentials.TransportCredentials = peercred.Credentials{}
	if identity != nil {
		der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(g.cert, "="))
		if err != nil {
			return nil, fmt.Errorf("field 6 of the greeting is no base64: %w", err)
		}
		theirs, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("field 6 of the greeting is no certificate: %w", err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(theirs)
		creds = credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{*identity}, RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12,
		})
	}
	return grpc.NewClient("unix://"+g.address, grpc.WithTransportCredentials(creds))
}

// awaitReady makes the connection and waits until it stands: calls of a client
// that is not connected fail at once or wait, by their options.
func awaitReady(ctx context.Context, c *grpc.ClientConn) error {
	ctx, cancel := within(ctx, "a connection to the socket that the plugin named")
	defer cancel()
	c.Connect()
	for s := c.GetState(); s.String() != "READY"; s = c.GetState() {
		if !c.WaitForStateChange(ctx, s) {
			return context.Cause(ctx)
		}
	}
	return nil
}

// newIdentity makes the host's certificate for one plugin process, and its text
// for PLUGIN_CLIENT_CERT.
func newIdentity() (*tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(text), nil
}
