package rtc

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	sdpType = "application/sdp"
	// maxAnswer bounds what a server may answer.
	maxAnswer = 1 << 20
	// goodbye is how long the end of a session may take.
	goodbye = 3 * time.Second
)

// signal is the HTTP side of a session (RFC 9725 §4.2, draft-ietf-wish-whep §4.2).
type signal struct {
	endpoint *url.URL
	token    string
	client   *http.Client
	idle     func()
	resource *url.URL // of the session, nil before there is one
}

func newSignal(o Options) (*signal, error) {
	endpoint, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("rtc: %w", err)
	}
	if endpoint.Scheme != "http" && endpoint.Scheme != "https" || endpoint.Host == "" {
		return nil, fmt.Errorf("rtc: %q is no URL of WHIP or WHEP: want http:// or https://", o.URL)
	}
	t := &http.Transport{DialContext: new(net.Dialer).DialContext}
	if o.Link != nil {
		t.DialContext = o.Link.Dial
	}
	return &signal{endpoint: endpoint, token: o.Token, client: &http.Client{Transport: t}, idle: t.CloseIdleConnections}, nil
}

// isLocal reports whether the server is on this machine.
func (s *signal) isLocal() bool {
	host := s.endpoint.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// offer posts an SDP offer and returns the answer.
func (s *signal) offer(ctx context.Context, sdp string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint.String(), strings.NewReader(sdp))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", sdpType)
	r.Header.Set("Accept", sdpType)
	answer, err := s.do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusCreated {
		return "", &StatusError{Status: answer.StatusCode, Text: strings.TrimSpace(string(body[:min(len(body), 200)]))}
	}
	// Without a Location the session cannot be ended by name; it ends with ICE.
	if location := answer.Header.Get("Location"); location != "" {
		if s.resource, err = answer.Request.URL.Parse(location); err != nil {
			return "", fmt.Errorf("rtc: location of the session: %w", err)
		}
	}
	return string(body), nil
}

// end ends the session, for which it takes a little while even if ctx has ended.
func (s *signal) end(ctx context.Context) error {
	defer s.idle()
	if s.resource == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.resource.String(), nil)
	if err != nil {
		return err
	}
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	return err
}

func (s *signal) do(r *http.Request) (*http.Response, error) {
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	return s.client.Do(r)
}

// StatusError is what a server answered to an offer instead of 201.
type StatusError struct {
	Status int
	Text   string // the beginning of the body
}

// Error implements error: what the server said, and what to do about it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d", e.Status)
	if name := http.StatusText(e.Status); name != "" {
		text += " (" + name + ")"
	}
	if e.Text != "" {
		text += fmt.Sprintf(": %q", e.Text)
	}
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		text += ": it wants a token, or another one"
	case http.StatusNotFound:
		text += ": check the path, and whether the stream is published"
	case http.StatusOK, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType:
		text += ": this is no endpoint of WHIP or WHEP, check the path"
	}
	return text
}

// isAbsent reports whether an answer may mean that a stream does not exist yet:
// servers say 404, or 409 as the draft of WHEP has it, or that they are not ready.
func (e *StatusError) isAbsent() bool {
	return e.Status == http.StatusNotFound || e.Status == http.StatusConflict || e.Status == http.StatusServiceUnavailable
}
