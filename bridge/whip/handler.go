package whip

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"moqedge/bridge"
)

const (
	maxBody       = 64 << 10
	gatherTimeout = 5 * time.Second
	sdpType       = "application/sdp"
	fragmentType  = "application/trickle-ice-sdpfrag"
)

// Handler serves WHIP (RFC 9725) below Config.Prefix:
//
//	POST    PREFIX/NAME      offer -> 201 with answer, Location and ETag
//	PATCH   PREFIX/NAME/ID   trickled candidates -> 204
//	DELETE  PREFIX/NAME/ID   ends the session -> 200
//	OPTIONS anywhere         CORS preflight -> 204
//
// Errors are text/plain and say what to do. Safe for concurrent use.
type Handler struct {
	config    Config
	publisher publisher
	engine    *engine

	mu       sync.Mutex
	sessions map[string]*session // guarded by mu; by id; nil while negotiating
	closed   bool                // guarded by mu
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
	return &Handler{config: c, publisher: p, engine: e, sessions: make(map[string]*session)}, nil
}

// Sessions is how many publications are up or being set up.
func (h *Handler) Sessions() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions)
}

// Close ends all sessions and waits for them, or for ctx, whose error it then
// returns. Later requests get 503.
func (h *Handler) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	var all []*session
	for _, s := range h.sessions {
		if s != nil {
			all = append(all, s)
		}
	}
	h.mu.Unlock()
	for _, s := range all {
		s.end(errServerClosed)
	}
	for _, s := range all {
		select {
		case <-s.done:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), h.engine.close())
		}
	}
	return h.engine.close()
}

// ServeHTTP answers one WHIP request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setCORS(w.Header())
	rest, ok := strings.CutPrefix(r.URL.Path, h.config.Prefix)
	name, id, isSession := strings.Cut(rest, "/")
	if !ok || name == "" || strings.Contains(id, "/") {
		h.fail(w, r, refuse(http.StatusNotFound, "publish to %sNAME", h.config.Prefix))
		return
	}
	var err error
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Accept-Post", sdpType)
		w.WriteHeader(http.StatusNoContent)
	case !isSession && r.Method == http.MethodPost:
		err = h.publish(w, r, name)
	case isSession && r.Method == http.MethodPatch:
		err = h.patch(w, r, name, id)
	case isSession && r.Method == http.MethodDelete:
		err = h.remove(w, r, name, id)
	case isSession:
		w.Header().Set("Allow", "PATCH, DELETE, OPTIONS")
		err = refuse(http.StatusMethodNotAllowed, "a WHIP session takes PATCH and DELETE")
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		err = refuse(http.StatusMethodNotAllowed, "a WHIP endpoint takes POST with an SDP offer")
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// setCORS lets pages of any origin publish: there are no cookies to protect.
func setCORS(header http.Header) {
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	header.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Patch")
	header.Set("Access-Control-Max-Age", "86400")
}

// fail answers with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	var refused *requestError
	switch {
	case errors.As(err, &refused):
		status = refused.status
	case errors.Is(err, bridge.ErrNameInUse):
		status = http.StatusConflict
	case errors.Is(err, bridge.ErrBadName):
		status = http.StatusBadRequest
	case errors.Is(err, bridge.ErrClosed):
		status = http.StatusServiceUnavailable
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	h.config.Logger.Info("request refused", "method", r.Method, "path", r.URL.Path, "remote", r.RemoteAddr,
		"status", status, "reason", err.Error())
	http.Error(w, err.Error(), status)
}

// publish answers an offer (RFC 9725 §4.2).
func (h *Handler) publish(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := readBody(w, r, sdpType)
	if err != nil {
		return err
	}
	o, err := parseOffer(body)
	if err != nil {
		return err
	}
	id, err := h.reserve()
	if err != nil {
		return err
	}
	s, answer, err := h.open(r, id, name, o)
	if err != nil {
		h.release(id)
		return err
	}
	header := w.Header()
	header.Set("Content-Type", sdpType)
	header.Set("Location", h.config.Prefix+name+"/"+id)
	header.Set("ETag", s.etag)
	header.Set("Accept-Patch", fragmentType)
	for _, server := range h.config.ICEServers {
		header.Add("Link", server.link())
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a client that is gone shows as a session without ICE
	return nil
}

// open claims the name and makes the session.
func (h *Handler) open(r *http.Request, id, name string, o *offer) (*session, string, error) {
	pub, err := h.publisher.publish(name, bridge.Ingest{Protocol: "whip", Remote: r.RemoteAddr})
	if err != nil {
		return nil, "", err
	}
	// The log id is a part of the secret too short to guess the rest from.
	log := h.config.Logger.With("session", id[:8], "name", name, "remote", r.RemoteAddr)
	ctx, cancel := context.WithTimeout(r.Context(), gatherTimeout)
	defer cancel()
	s, answer, err := newSession(ctx, h.engine, h.config, id, name, o, pub, log)
	if err != nil {
		return nil, "", err
	}
	h.mu.Lock()
	h.sessions[id] = s
	closed := h.closed
	h.mu.Unlock()
	go func() {
		<-s.done
		h.release(id)
	}()
	if closed {
		s.end(errServerClosed)
		<-s.done
		return nil, "", refuse(http.StatusServiceUnavailable, "%s", errServerClosed)
	}
	log.Info("publication accepted", "video", o.video.describe(), "audio", o.audio.describe())
	return s, answer, nil
}

// patch takes trickled candidates (RFC 9725 §4.3).
func (h *Handler) patch(w http.ResponseWriter, r *http.Request, name, id string) error {
	s, err := h.find(name, id)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, fragmentType)
	if err != nil {
		return err
	}
	f, err := parseFragment(string(body))
	if err != nil {
		return err
	}
	switch match := r.Header.Get("If-Match"); match {
	case "":
		return refuse(http.StatusPreconditionRequired, "the request needs If-Match with the ETag of the session")
	case s.etag, "*":
	default:
		return refuse(http.StatusPreconditionFailed, "If-Match names another ICE session than the current %s", s.etag)
	}
	if err := s.trickle(f); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove ends a session and answers when the name is free again.
func (h *Handler) remove(w http.ResponseWriter, r *http.Request, name, id string) error {
	s, err := h.find(name, id)
	if err != nil {
		return err
	}
	s.end(nil)
	select {
	case <-s.done:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *Handler) find(name, id string) (*session, error) {
	h.mu.Lock()
	s := h.sessions[id]
	h.mu.Unlock()
	if s == nil || subtle.ConstantTimeCompare([]byte(s.name), []byte(name)) == 0 {
		return nil, refuse(http.StatusNotFound, "no such session: it has ended, or never was")
	}
	return s, nil
}

// reserve takes one of the session slots under a new unguessable id.
func (h *Handler) reserve() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	id := hex.EncodeToString(random[:])
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return "", refuse(http.StatusServiceUnavailable, "%s", errServerClosed)
	}
	if len(h.sessions) >= h.config.MaxSessions {
		return "", refuse(http.StatusServiceUnavailable, "all %d sessions are taken: try again later", h.config.MaxSessions)
	}
	h.sessions[id] = nil
	return id, nil
}

func (h *Handler) release(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, id)
}

// readBody reads a bounded body of the wanted type.
func readBody(w http.ResponseWriter, r *http.Request, want string) ([]byte, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return nil, refuse(http.StatusUnsupportedMediaType, "content type %q: want %s", cut(r.Header.Get("Content-Type")), want)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	return body, nil
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
