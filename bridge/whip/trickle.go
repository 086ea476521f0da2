package whip

import (
	"net/http"
	"strings"

	"github.com/pion/webrtc/v4"
)

// maxCandidates bounds the candidates of one PATCH.
const maxCandidates = 128

// fragment is an application/trickle-ice-sdpfrag body (RFC 8840 §9).
type fragment struct {
	ufrag      string
	candidates []string // values of a=candidate
}

// parseFragment reads a fragment; refusals are *requestError.
func parseFragment(body string) (fragment, error) {
	var f fragment
	lines := 0
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		lines++
		if len(line) < 2 || line[1] != '=' {
			return f, refuse(http.StatusBadRequest, "not an SDP fragment: line %q", cut(line))
		}
		if value, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && f.ufrag == "" {
			f.ufrag = value
		}
		if value, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			if len(f.candidates) == maxCandidates {
				return f, refuse(http.StatusBadRequest, "more than %d candidates in one request", maxCandidates)
			}
			f.candidates = append(f.candidates, value)
		}
	}
	if lines == 0 {
		return f, refuse(http.StatusBadRequest, "the SDP fragment is empty")
	}
	return f, nil
}

// cut shortens a line of a client for an error text.
func cut(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// trickle adds the candidates of a fragment. Those of names we cannot resolve
// and of transports we do not use are left out silently (RFC 9725 §4.3.2).
func (s *session) trickle(f fragment) error {
	if f.ufrag != "" && f.ufrag != s.offer.ufrag {
		return refuse(http.StatusUnprocessableEntity, "ICE restart is not supported: end the session with DELETE and publish again")
	}
	for _, candidate := range f.candidates {
		if err := s.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate}); err != nil {
			s.log.Debug("candidate left out", "candidate", candidate, "error", err)
		}
	}
	return nil
}
