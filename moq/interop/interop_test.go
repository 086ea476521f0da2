package interop_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/certs"
	"moqedge/moq/interop"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen opens a port that speaks QUIC and WebTransport on loopback.
func listen(t *testing.T, versions ...string) (*transport.Listener, *certs.Source) {
	t.Helper()
	certificate, err := certs.Development("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { certificate.Close() })
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: certificate.GetCertificate, Versions: versions})
	if err != nil {
		t.Fatal(err)
	}
	return l, certificate
}

// serve runs a relay of this module and returns its address.
func serve(t *testing.T) (address string, pins [][32]byte) {
	t.Helper()
	l, certificate := listen(t)
	r := relay.New(relay.Config{Logger: slog.New(slog.DiscardHandler)})
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	t.Cleanup(func() {
		r.Close()
		l.Close()
		<-served
	})
	return l.Addr().String(), [][32]byte{certificate.Fingerprint()}
}

// patience is so long that only a case that hangs runs into it.
const patience = 40 * time.Second

// Our relay passes all cases, over both transports and in each draft.
func TestRelay(t *testing.T) {
	for _, v := range wire.Versions() {
		for kind, scheme := range map[string]string{"quic": "moqt://", "webtransport": "https://"} {
			t.Run(v.String()+" "+kind, func(t *testing.T) {
				t.Parallel()
				address, pins := serve(t)
				c := interop.Config{
					URL: scheme + address, Timeout: patience, Implementation: "moqedge-test",
					Dial: transport.DialConfig{Fingerprints: pins, Versions: []string{v.String()}},
				}
				for _, k := range interop.Cases() {
					t.Run(k.Name, func(t *testing.T) {
						var steps []string
						r := c.Run(t.Context(), k, func(text string) { steps = append(steps, text) })
						if r.Outcome != interop.Passed {
							t.Errorf("%+v\nsteps: %q", r, steps)
						}
						if r.Draft != v.String() || r.Transport != kind {
							t.Errorf("it ran over %s in %s", r.Transport, r.Draft)
						}
						if len(r.Connections) == 0 || slices.ContainsFunc(r.Connections, func(c interop.Connection) bool { return len(c.ID) < 16 }) {
							t.Errorf("connections: %+v", r.Connections)
						}
					})
				}
			})
		}
	}
}
