package signalling

import (
	"net/http"
	"strings"
)

// maxCandidates bounds the candidates of one PATCH.
const maxCandidates = 128

// fragment is an application/trickle-ice-sdpfrag body (RFC 8840 §9).
type fragment struct {
	ufrag      string
	candidates []string // values of a=candidate
}

// parseFragment reads a fragment; errors are *Refusal.
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
			return f, Refuse(http.StatusBadRequest, "not an SDP fragment: line %q", Cut(line))
		}
		if value, ok := strings.CutPrefix(line, "a=ice-ufrag:"); ok && f.ufrag == "" {
			f.ufrag = value
		}
		if value, ok := strings.CutPrefix(line, "a=candidate:"); ok {
			if len(f.candidates) == maxCandidates {
				return f, Refuse(http.StatusBadRequest, "more than %d candidates in one request", maxCandidates)
			}
			f.candidates = append(f.candidates, value)
		}
	}
	if lines == 0 {
		return f, Refuse(http.StatusBadRequest, "the SDP fragment is empty")
	}
	return f, nil
}
