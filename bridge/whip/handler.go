package whip

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

const (
	maxBody       = 64 << 10
	gatherTimeout = 5 * time.Second
)

// Handler serves WHIP (RFC 9725) below Config.Prefix, as a signalling.Endpoint does.
// Safe for concurrent use.
type Handler struct {
	config    Config
	publisher publisher
	engine    *engine
	sessions  *signalling.Sessions
	endpoint  *signalling.Endpoint
}

// New opens the shared media port, if there is one. The caller closes the
// handler after the HTTP server stopped sending it requests.
func New(c Config) (*Handler, error) {
	if c.Hub == nil {
		return nil, errors.New("whip: a hub is required")
	}
	return newHandler(c, hubPublisher{c.Hub})
}

func newHandler(c Config, p publisher) (*Handler, error) {
	c, err := c.validate()
	if err != nil {
		return nil, err
	}
	e, err := newEngine(c)
	if err != nil {
		return nil, err
	}
	h := &Handler{config: c, publisher: p, engine: e, sessions: signalling.NewSessions(c.MaxSessions)}
	h.endpoint = &signalling.Endpoint{
		Prefix: c.Prefix, Sessions: h.sessions, Open: h.open, MaxBody: maxBody, Logger: c.Logger, CheckOrigin: c.CheckOrigin,
	}
	for _, server := range c.ICEServers {
		h.endpoint.Links = append(h.endpoint.Links, server.link())
	}
	return h, nil
}

// Sessions is how many publications are up or being set up.
func (h *Handler) Sessions() int { return h.sessions.Len() }

// Close ends all sessions and waits for them, or for ctx, whose error it then
// returns. Later requests get 503.
func (h *Handler) Close(ctx context.Context) error {
	return errors.Join(h.sessions.Close(ctx), h.engine.close())
}

// ServeHTTP answers one WHIP request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.endpoint.ServeHTTP(w, r) }

// open asks whether the client may publish, claims the name and makes the session.
func (h *Handler) open(r *http.Request, posted signalling.Offer) (signalling.Session, string, error) {
	made := make(chan *session, 1)
	from := bridge.Ingest{Protocol: "whip", Remote: r.RemoteAddr}
	stop, err := h.config.Authorize.Permit(r.Context(), posted.Name, from, bearer(r), func(err error) {
		if s := <-made; s != nil {
			s.End(err)
		}
	})
	if err != nil {
		return nil, "", refusal(err)
	}
	var s *session
	defer func() { // also of a panic
		if s == nil {
			stop()
		}
		made <- s
	}()
	s, answer, err := h.make(r, posted, from, stop)
	if err != nil {
		return nil, "", err
	}
	return s, answer, nil
}

// make claims the name and makes the session, which calls stop at its end.
func (h *Handler) make(r *http.Request, posted signalling.Offer, from bridge.Ingest, stop func()) (*session, string, error) {
	o, err := parseOffer([]byte(posted.SDP))
	if err != nil {
		return nil, "", err
	}
	pub, err := h.publisher.publish(posted.Name, from)
	if err != nil {
		return nil, "", refusal(err)
	}
	// The log id is a part of the secret too short to guess the rest from.
	log := h.config.Logger.With("session", posted.ID[:8], "name", posted.Name, "remote", r.RemoteAddr)
	ctx, cancel := context.WithTimeout(r.Context(), gatherTimeout)
	defer cancel()
	release := func() {
		stop()
		h.sessions.Release(posted.ID)
	}
	s, answer, err := newSession(ctx, h.engine, h.config, o, pub, log, release)
	if err != nil {
		return nil, "", err
	}
	log.Info("publication accepted", "video", o.video.describe(), "audio", o.audio.describe())
	return s, answer, nil
}

// bearer is the token of a request (RFC 6750 §2.1), "" without one.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// refusal says to the client what the bridge does not take.
func refusal(err error) error {
	switch {
	case errors.Is(err, bridge.ErrNameInUse):
		return signalling.Refuse(http.StatusConflict, "%s", err)
	case errors.Is(err, bridge.ErrBadName):
		return signalling.Refuse(http.StatusBadRequest, "%s", err)
	case errors.Is(err, bridge.ErrUnauthorized):
		return signalling.Refuse(http.StatusUnauthorized, "%s", err)
	case errors.Is(err, bridge.ErrForbidden):
		return signalling.Refuse(http.StatusForbidden, "%s", err)
	case errors.Is(err, bridge.ErrUnknownPermission):
		return signalling.Busy("%s", err)
	case errors.Is(err, bridge.ErrClosed):
		return signalling.Busy("%s", err)
	}
	return err
}

// link writes a server as RFC 9725 §4.6 wants it.
func (s ICEServer) link() string {
	text := "<" + s.URL + `>; rel="ice-server"`
	if s.Username != "" || s.Credential != "" {
		text += `; username="` + s.Username + `"; credential="` + s.Credential + `"; credential-type="password"`
	}
	return text
}

// describe names the codec of a section for the log.
func (m *media) describe() string {
	if m == nil {
		return "none"
	}
	return m.codec.String()
}
