package conformance_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestImplementation: it is sent if there is one, and may be left out (rule 213).
func TestImplementation(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := startRelay(t, relay.Config{Implementation: "moqedge/1"}).attach(v)
		if got := p.Hello().Implementation; got != wire.Some("moqedge/1") {
			t.Errorf("SETUP has %+v", got)
		}
		if got := fresh(t, v).Hello().Implementation; got.Set {
			t.Errorf("SETUP has %+v, want none", got)
		}
	})
}

// lockedText collects what is logged.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestLogsAreClean: words of a peer cannot forge lines or move the cursor (rule 214).
func TestLogsAreClean(t *testing.T) {
	const evil = "evil\nlevel=ERROR msg=forged\x1b[31m\x00"
	everyDraft(t, func(t *testing.T, v wire.Version) {
		log := new(lockedText)
		logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		p, session := serving(t, v, moq.Config{Logger: logger, Handler: make(gatekeeper, 1)})
		m := p.DefaultSetup()
		m.Implementation = wire.Some(evil)
		p.SendSetup(m)
		p.ReceiveSetup()
		s := session()
		go func() { _, _ = s.PublishNamespace(t.Context(), room) }()
		r, _ := peer.Accept[*wire.PublishNamespace](p)
		r.Send(&wire.RequestErr{Code: wire.RequestUnauthorized, Reason: evil})
		p.ExpectOpen()
		_ = p.Conn.CloseWithError(uint64(wire.SessionInternalError), evil)
		s.Wait()
		logger.Info("session", "peer", s.PeerImplementation(), "why", s.Context().Err())
		for _, bad := range []string{"\nlevel=ERROR", "\x1b", "\x00"} {
			if strings.Contains(log.String(), bad) {
				t.Errorf("the log has %q: %q", bad, log.String())
			}
		}
	})
}

// TestLongReason: more than 1024 bytes close the session (rule 215).
func TestLongReason(t *testing.T) {
	tests := []struct {
		name string
		size int
		want wire.SessionError
	}{{"longest", 1024, 0}, {"too long", 1025, wire.SessionProtocolViolation}}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p, session := client(t, v, moq.Config{})
				p.Hello()
				s := session()
				asked := make(chan error, 1)
				go func() {
					_, err := s.TrackStatus(t.Context(), video)
					asked <- err
				}()
				r, _ := peer.Accept[*wire.TrackStatus](p)
				payload := []byte{byte(wire.RequestUnauthorized), 0}
				if v.Has(wire.FeatureControlStream) {
					payload = append([]byte{byte(r.ID)}, payload...)
				}
				payload = append(p.Varint(payload, uint64(x.size)), strings.Repeat("r", x.size)...)
				r.Write(p.Bytes(&wire.RequestErr{}, payload))
				if <-asked == nil {
					t.Error("the request was accepted")
				}
				if x.want != 0 {
					p.ExpectClose(x.want)
				} else {
					p.ExpectOpen()
				}
			})
		})
	}
}
