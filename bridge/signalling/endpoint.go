package signalling

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// Types of what is sent.
const (
	SDPType      = "application/sdp"
	FragmentType = "application/trickle-ice-sdpfrag"
)

// defaultMaxBody holds an offer of 60 sections.
const defaultMaxBody = 64 << 10

// Endpoint serves WHIP or WHEP below its prefix:
//
//	POST    PREFIX/NAME      offer -> 201 with answer, Location and ETag
//	PATCH   PREFIX/NAME/ID   trickled candidates -> 204
//	DELETE  PREFIX/NAME/ID   ends the session -> 200
//	OPTIONS anywhere         CORS preflight -> 204
//
// Errors are text/plain and say what to do. Fields are not changed once it serves.
type Endpoint struct {
	// Prefix of the paths, with slashes at both ends. Required.
	Prefix string
	// Sessions has those of this endpoint, and maybe of others. Required.
	Sessions *Sessions
	// Open answers an offer with the session that it makes, which is running, and the
	// SDP answer with all addresses in it: clients can not be told of later ones (RFC
	// 9725 §4.3.2). Refusals are *Refusal; other errors are 500. Required.
	Open func(r *http.Request, o Offer) (one Session, answer string, err error)
	// CheckOrigin decides on pages by their Origin header; requests of refused ones get
	// 403. nil: all are accepted.
	CheckOrigin func(origin string) bool
	// Links are told to clients with the answer (RFC 9725 §4.6); nil: none.
	Links []string
	// MaxBody bounds what a request may send, in bytes. 0 means 64 KiB.
	MaxBody int64
	// Logger notes what is refused. Required.
	Logger *slog.Logger
}

// Offer is what a client posts.
type Offer struct {
	// ID of the session, 32 hex digits: secret, as who knows it can end the session.
	ID string
	// Name is what follows the prefix: not empty, and without slashes.
	Name string
	// SDP as it came.
	SDP string
}

// ServeHTTP answers one request.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := e.checkOrigin(w.Header(), r.Header.Get("Origin"))
	if err == nil {
		err = e.serve(w, r)
	}
	if err != nil {
		status := write(w, err)
		e.Logger.Info("request refused", "method", r.Method, "path", e.shown(r.URL.Path), "remote", r.RemoteAddr,
			"status", status, "reason", err.Error())
	}
}

// shown is a path for logs, with a part of the ID of a session that is too short to guess
// the rest from.
func (e *Endpoint) shown(path string) string {
	rest, ok := strings.CutPrefix(path, e.Prefix)
	name, id, isSession := strings.Cut(rest, "/")
	if !ok || !isSession || len(id) <= shownID {
		return path
	}
	return e.Prefix + name + "/" + id[:shownID] + "..."
}

const shownID = 8

func (e *Endpoint) serve(w http.ResponseWriter, r *http.Request) error {
	rest, ok := strings.CutPrefix(r.URL.Path, e.Prefix)
	name, id, isSession := strings.Cut(rest, "/")
	switch {
	case !ok, name == "", strings.Contains(id, "/"):
		return Refuse(http.StatusNotFound, "no such path: want %sNAME", e.Prefix)
	case r.Method == http.MethodOptions:
		w.Header().Set("Accept-Post", SDPType)
		w.WriteHeader(http.StatusNoContent)
		return nil
	case !isSession && r.Method == http.MethodPost:
		return e.open(w, r, name)
	case isSession && r.Method == http.MethodPatch:
		return e.patch(w, r, name, id)
	case isSession && r.Method == http.MethodDelete:
		return e.remove(w, r, name, id)
	case isSession:
		w.Header().Set("Allow", "PATCH, DELETE, OPTIONS")
		return Refuse(http.StatusMethodNotAllowed, "a session takes PATCH and DELETE")
	}
	w.Header().Set("Allow", "POST, OPTIONS")
	return Refuse(http.StatusMethodNotAllowed, "an endpoint takes POST with an SDP offer")
}

// checkOrigin lets pages in: those of any origin when it is not said whose, as there are
// no cookies to protect.
func (e *Endpoint) checkOrigin(h http.Header, origin string) error {
	switch {
	case e.CheckOrigin == nil || origin == "":
		setCORS(h, "*")
		return nil
	case e.CheckOrigin(origin):
		h.Add("Vary", "Origin")
		setCORS(h, origin)
		return nil
	}
	h.Add("Vary", "Origin")
	return Refuse(http.StatusForbidden, "origin %q is not allowed here", Cut(origin))
}

func setCORS(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Patch, Retry-After, WWW-Authenticate")
	h.Set("Access-Control-Max-Age", "86400")
}

// open answers an offer (RFC 9725 §4.2, draft-ietf-wish-whep §4.2).
func (e *Endpoint) open(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := e.readBody(w, r, SDPType)
	if err != nil {
		return err
	}
	id, err := e.Sessions.reserve(name)
	if err != nil {
		return err
	}
	opened := false
	defer func() { // also of a panic
		if !opened {
			e.Sessions.Release(id)
		}
	}()
	one, answer, err := e.Open(r, Offer{ID: id, Name: name, SDP: body})
	if err != nil {
		return err
	}
	opened = true
	if err := e.Sessions.admit(id, one); err != nil {
		return err
	}
	location := url.URL{Path: e.Prefix + name + "/" + id}
	h := w.Header()
	h.Set("Content-Type", SDPType)
	h.Set("Location", location.String())
	h.Set("ETag", etag(id))
	h.Set("Accept-Patch", FragmentType)
	for _, link := range e.Links {
		h.Add("Link", link)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a client that is gone shows as a session without ICE
	return nil
}

// etag names the one ICE session that a session ever has.
func etag(id string) string { return `"` + id[:16] + `"` }

// patch takes trickled candidates (RFC 9725 §4.3).
func (e *Endpoint) patch(w http.ResponseWriter, r *http.Request, name, id string) error {
	one, err := e.Sessions.find(name, id)
	if err != nil {
		return err
	}
	body, err := e.readBody(w, r, FragmentType)
	if err != nil {
		return err
	}
	switch match := r.Header.Get("If-Match"); match {
	case "":
		return Refuse(http.StatusPreconditionRequired, "the request needs If-Match with the ETag of the session")
	case etag(id), "*":
	default:
		return Refuse(http.StatusPreconditionFailed, "If-Match names another ICE session than the current %s", etag(id))
	}
	f, err := parseFragment(body)
	if err != nil {
		return err
	}
	if f.ufrag != "" && f.ufrag != one.Ufrag() {
		return Refuse(http.StatusUnprocessableEntity, "ICE restart is not supported: end the session with DELETE and start anew")
	}
	for _, c := range f.candidates {
		one.AddCandidate(c)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove ends a session and answers when that is over.
func (e *Endpoint) remove(w http.ResponseWriter, r *http.Request, name, id string) error {
	one, err := e.Sessions.find(name, id)
	if err != nil {
		return err
	}
	one.End(nil)
	select {
	case <-one.Done():
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// readBody reads a bounded body of the wanted type.
func (e *Endpoint) readBody(w http.ResponseWriter, r *http.Request, want string) (string, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return "", Refuse(http.StatusUnsupportedMediaType, "content type %q: want %s", Cut(r.Header.Get("Content-Type")), want)
	}
	most := e.MaxBody
	if most == 0 {
		most = defaultMaxBody
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", Refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", most)
	} else if err != nil {
		return "", Refuse(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	return string(body), nil
}
