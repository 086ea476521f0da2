package sfu

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	maxBody       = 256 << 10 // an offer of 256 sections
	maxCandidates = 64        // of one PATCH
	answerTimeout = 10 * time.Second
	sdpType       = "application/sdp"
	fragmentType  = "application/trickle-ice-sdpfrag"
)

// ServeHTTP answers a request of WHIP (RFC 9725) or WHEP (draft-ietf-wish-whep):
//
//	POST    /whip/NAME        offer -> 201 with answer, Location and ETag
//	POST    /whep/NAME        the same for a viewer; ?tracks=a,b chooses by msid
//	PATCH   /whip/NAME/ID     trickled candidates -> 204 (and so below /whep/)
//	DELETE  /whip/NAME/ID     ends the session -> 200
//	OPTIONS anywhere          CORS -> 204
//
// Errors are text. A name that nobody publishes is 404 with Retry-After.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setCORS(w.Header())
	side, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, id, isSession := strings.Cut(rest, "/")
	var err error
	switch {
	case r.Method == http.MethodOptions:
		w.Header().Set("Accept-Post", sdpType)
		w.WriteHeader(http.StatusNoContent)
	case side != "whip" && side != "whep", name == "", strings.Contains(id, "/"):
		err = refuse(http.StatusNotFound, "publish to /whip/NAME, play from /whep/NAME")
	case !isSession && r.Method == http.MethodPost:
		err = s.open(w, r, side, name)
	case isSession && r.Method == http.MethodPatch:
		err = s.patch(w, r, name, id)
	case isSession && r.Method == http.MethodDelete:
		err = s.remove(w, r, name, id)
	case isSession:
		w.Header().Set("Allow", "PATCH, DELETE, OPTIONS")
		err = refuse(http.StatusMethodNotAllowed, "a session takes PATCH and DELETE")
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		err = refuse(http.StatusMethodNotAllowed, "an endpoint takes POST with an SDP offer")
	}
	if err != nil {
		s.fail(w, r, err)
	}
}

// setCORS lets pages of any origin in: there are no cookies to protect.
func setCORS(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Accept-Patch, Retry-After")
	h.Set("Access-Control-Max-Age", "86400")
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		status = refused.status
	}
	if status == http.StatusServiceUnavailable || status == http.StatusNotFound && r.Method == http.MethodPost {
		w.Header().Set("Retry-After", "1")
	}
	s.config.Logger.Warn("request refused", "method", r.Method, "path", r.URL.Path, "status", status, "reason", err.Error())
	http.Error(w, err.Error(), status)
}

// open answers an offer (RFC 9725 §4.2, draft-ietf-wish-whep §4.2).
func (s *Server) open(w http.ResponseWriter, r *http.Request, side, name string) error {
	body, err := readBody(w, r, sdpType)
	if err != nil {
		return err
	}
	o, err := parseOffer(body)
	if err != nil {
		return err
	}
	id, err := s.reserve()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	one := newSession(id, name, o, s.config.Logger.With("side", side, "remote", r.RemoteAddr))
	var answer string
	if side == "whip" {
		answer, err = s.publish(ctx, one)
	} else {
		answer, err = s.play(ctx, one, r.URL.Query())
	}
	if err != nil {
		s.release(id)
		return err
	}
	h := w.Header()
	h.Set("Content-Type", sdpType)
	h.Set("Location", "/"+side+"/"+name+"/"+id)
	h.Set("ETag", one.etag)
	h.Set("Accept-Patch", fragmentType)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // who is gone does not connect either
	return nil
}

// patch takes trickled candidates (RFC 9725 §4.3.2). ICE restarts are refused: a
// client starts anew.
func (s *Server) patch(w http.ResponseWriter, r *http.Request, name, id string) error {
	one, err := s.find(name, id)
	if err != nil {
		return err
	}
	body, err := readBody(w, r, fragmentType)
	if err != nil {
		return err
	}
	switch match := r.Header.Get("If-Match"); match {
	case "":
		return refuse(http.StatusPreconditionRequired, "the request needs If-Match with the ETag of the session")
	case one.etag:
	default: // "*" asks for an ICE restart (RFC 9725 §4.3.3)
		return refuse(http.StatusPreconditionFailed, "If-Match is not the ETag %s of the session", one.etag)
	}
	candidates, err := parseFragment(body, one.offer.ufrag)
	if err != nil {
		return err
	}
	for _, c := range candidates {
		if err := one.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c}); err != nil {
			one.log.Debug("candidate left out", "candidate", c, "error", err)
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// parseFragment returns the candidates of an SDP fragment (RFC 8840 §9).
func parseFragment(body, ufrag string) ([]string, error) {
	var candidates []string
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if got, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && got != ufrag {
			return nil, refuse(http.StatusUnprocessableEntity, "ICE restart is not supported: end the session with DELETE and start anew")
		}
		if c, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			candidates = append(candidates, c)
		}
		if len(line) > 0 && (len(line) < 2 || line[1] != '=') {
			return nil, refuse(http.StatusBadRequest, "not an SDP fragment: line %q", cut(line))
		}
	}
	if len(candidates) > maxCandidates {
		return nil, refuse(http.StatusBadRequest, "more than %d candidates in one request", maxCandidates)
	}
	return candidates, nil
}

// remove ends a session and answers when that is over.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, name, id string) error {
	one, err := s.find(name, id)
	if err != nil {
		return err
	}
	one.stop(nil)
	select {
	case <-one.done:
	case <-r.Context().Done():
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// readBody reads a bounded body of the wanted type.
func readBody(w http.ResponseWriter, r *http.Request, want string) (string, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		return "", refuse(http.StatusUnsupportedMediaType, "content type %q: want %s", cut(r.Header.Get("Content-Type")), want)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return "", refuse(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", maxBody)
	} else if err != nil {
		return "", refuse(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	return string(body), nil
}
