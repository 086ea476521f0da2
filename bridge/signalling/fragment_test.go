package signalling

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

func TestParseFragment(t *testing.T) {
	for name, c := range map[string]struct {
		body       string
		ufrag      string
		candidates int
		status     int
	}{
		"browser": {
			body:  "a=ice-ufrag:q4Yd\r\na=ice-pwd:mXqJcWbZ0oV7hV2u3sTt9gKe\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=candidate:2 1 udp 1 192.0.2.2 61765 typ host\r\na=end-of-candidates\r\n",
			ufrag: "q4Yd", candidates: 2,
		},
		"bare line feeds": {body: "a=candidate:1 1 udp 1 192.0.2.1 6 typ host\n", candidates: 1},
		"empty":           {body: "", status: http.StatusBadRequest},
		"not SDP":         {body: "{\"candidate\":\"\"}", status: http.StatusBadRequest},
		"too many":        {body: strings.Repeat("a=candidate:1 1 udp 1 192.0.2.1 6 typ host\n", maxCandidates+1), status: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := parseFragment(c.body)
			var refused *Refusal
			if c.status != 0 {
				if !errors.As(err, &refused) || refused.Status != c.status {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || f.ufrag != c.ufrag || len(f.candidates) != c.candidates {
				t.Fatalf("%+v %v", f, err)
			}
		})
	}
}
