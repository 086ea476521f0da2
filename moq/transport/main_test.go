package transport

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/certs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds tests that hang; no test measures it.
const patience = 20 * time.Second

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func certificate(t *testing.T, hosts ...string) *certs.Source {
	t.Helper()
	s, err := certs.Development("", hosts, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// listen serves on a free port of 127.0.0.1 until the test ends.
func listen(t *testing.T, source *certs.Source, c ListenConfig) *Listener {
	t.Helper()
	if c.PacketConn == nil && c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	c.GetCertificate = source.GetCertificate
	l, err := Listen(&c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// urlOf writes the URL of a listener for a kind of transport.
func urlOf(k Kind, addr net.Addr, path string) string {
	scheme := map[Kind]string{KindQUIC: "moqt", KindWebTransport: "https"}[k]
	return fmt.Sprintf("%s://%s%s", scheme, addr, path)
}

// pinning is a DialConfig that trusts source.
func pinning(source *certs.Source) *DialConfig {
	return &DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}}
}

// connect dials l and accepts the connection there.
func connect(t *testing.T, k Kind, l *Listener, d *DialConfig) (client, server Conn) {
	t.Helper()
	client, err := Dial(patient(t), urlOf(k, l.Addr(), "/live?a=b"), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.CloseWithError(0, "") })
	server, err = l.Accept(patient(t))
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

// limits are those of the streams that a peer may open; 0: defaults.
type limits struct{ uni, bidi int64 }

// newPair connects over one kind of transport. The limits are those that the
// server gives to the client, and in memory each to the other.
func newPair(t *testing.T, k Kind, lim limits) (client, server Conn) {
	t.Helper()
	if k == KindMemory {
		client, server = MemoryConfig{
			Protocol: "moqt-18", MaxUniStreams: lim.uni, MaxStreams: lim.bidi, Path: "/live?a=b",
		}.Pair()
		t.Cleanup(func() { client.CloseWithError(0, "") })
		return client, server
	}
	source := certificate(t)
	l := listen(t, source, ListenConfig{MaxUniStreams: lim.uni, MaxStreams: lim.bidi})
	return connect(t, k, l, pinning(source))
}

var kinds = []Kind{KindMemory, KindQUIC, KindWebTransport}
