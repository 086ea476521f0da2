package glass

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	sdpType = "application/sdp"
	maxSDP  = 256 << 10
	// endTimeout is for saying goodbye to a WHEP server.
	endTimeout = 2 * time.Second
)

// signalling takes the offer of our page to a WHEP server, and brings back an answer
// whose addresses are on the line. It has the page and the server be strangers: pages
// of other servers' origins may be refused by them.
type signalling struct {
	endpoint string
	access   *access
	client   *http.Client
	log      *slog.Logger

	mu      sync.Mutex
	session string // URL, to be deleted
}

// ServeHTTP implements http.Handler.
func (s *signalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.exchange(r.Context(), http.MaxBytesReader(w, r.Body, maxSDP))
	if err == nil && !s.access.clean {
		answer, err = candidates(answer, s.access.udp)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", sdpType)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a page that is gone needs none
}

// exchange is a request of WHEP (draft-ietf-wish-whep §4.2).
func (s *signalling) exchange(ctx context.Context, offer io.Reader) (string, error) {
	body, err := io.ReadAll(offer)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", sdpType)
	response, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxSDP))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the WHEP server answered %s: %.200q", response.Status, answer)
	}
	if at, err := response.Request.URL.Parse(response.Header.Get("Location")); err == nil && at.String() != s.endpoint {
		s.keep(at)
	}
	return string(answer), nil
}

func (s *signalling) keep(session *url.URL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = session.String()
}

// end takes the session back, if there is one; a server that does not hear of it
// notices by itself that the viewer is gone.
func (s *signalling) end() {
	s.mu.Lock()
	session := s.session
	s.mu.Unlock()
	if session != "" {
		s.delete(session)
	}
	s.client.CloseIdleConnections()
}

func (s *signalling) delete(session string) {
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, session, nil)
	if err == nil {
		var response *http.Response
		if response, err = s.client.Do(request); err == nil {
			err = response.Body.Close()
		}
	}
	if err != nil {
		s.log.Info("the WHEP session was not ended", "error", err)
	}
}
