package relay_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestPathsInLogs: what is logged of a path is neither a token in its query nor the path
// that the process's own session is known by.
func TestPathsInLogs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		r := relay.New(relay.Config{
			Logger:   slog.New(slog.NewTextHandler(&log, nil)),
			Resident: func(s *moq.Session) bool { return s.Path() == "/own-secret" },
		})
		for _, path := range []string{"/live?jwt=token-secret", "/own-secret", "/plain"} {
			near, far := transport.MemoryConfig{Protocol: wire.Draft18.String(), Path: path}.Pair()
			go r.ServeConn(far)
			s, err := moq.NewSession(t.Context(), near, moq.Config{Logger: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // it has been logged
			s.Close(wire.SessionNoError, "")
			s.Wait()
		}
		r.Close()
		if text := log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "path=/live ") || !strings.Contains(text, "path=/plain") {
			t.Errorf("log:\n%s", text)
		}
	})
}
