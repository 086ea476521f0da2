package srt

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	gosrt "github.com/datarhei/gosrt"
)

// refusal is why a connection is not accepted: a reason code for the peer's
// library and words for the log.
type refusal struct {
	code gosrt.RejectionReason
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(code gosrt.RejectionReason, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

// code returns the reason to send for err.
func code(err error) gosrt.RejectionReason {
	var r *refusal
	if errors.As(err, &r) {
		return r.code
	}
	return gosrt.REJX_ISE
}

const (
	plainPublish  = "publish:"
	standardStart = "#!::" // SRT access control guidelines
	wantForms     = "want publish:NAME or #!::m=publish,r=NAME[,t=TOKEN]"
)

// wish is what a stream id asks for.
type wish struct {
	name  string // to publish as; whether it is a good one is for the hub to say
	token string // "": none is shown
}

// parseWish reads a stream id that asks to publish. Errors are refusals.
func parseWish(id string) (wish, error) {
	switch {
	case id == "":
		return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "no stream id: %s", wantForms)
	case strings.HasPrefix(id, standardStart):
		return standardWish(id[len(standardStart):])
	case strings.HasPrefix(id, plainPublish):
		if name := id[len(plainPublish):]; name != "" {
			return wish{name: name}, nil
		}
		return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id %q names nothing: %s", masked(id), wantForms)
	}
	if verb, _, ok := strings.Cut(id, ":"); ok && reads(verb) {
		return wish{}, refuse(gosrt.REJX_BAD_MODE, "stream id %q asks to read: SRT is for publishing only", masked(id))
	}
	return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id %q not understood: %s", masked(id), wantForms)
}

func reads(verb string) bool {
	switch verb {
	case "read", "play", "request", "subscribe":
		return true
	}
	return false
}

// standardWish reads the key-value list of the SRT access control guidelines.
func standardWish(list string) (wish, error) {
	values := make(map[string]string)
	for pair := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id has %q where key=value belongs", masked(pair))
		}
		switch key {
		case "m", "r", "u", "s", "t", "h":
		default:
			return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id has unknown key %q: %s", key, wantForms)
		}
		if _, twice := values[key]; twice {
			return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id has key %q twice", key)
		}
		values[key] = value
	}
	switch mode := values["m"]; mode {
	case "publish":
	case "request", "":
		// The guidelines make request the default.
		return wish{}, refuse(gosrt.REJX_BAD_MODE, "stream id asks to read (m=%s): SRT is for publishing only, %s", mode, wantForms)
	default:
		return wish{}, refuse(gosrt.REJX_BAD_MODE, "stream id asks for mode %q: %s", mode, wantForms)
	}
	if values["r"] == "" {
		return wish{}, refuse(gosrt.REJX_BAD_REQUEST, "stream id names nothing (no r=NAME): %s", wantForms)
	}
	w := wish{name: values["r"], token: values["t"]}
	switch w.token { // the guidelines have the type of the connection there
	case "stream", "file", "auth":
		w.token = ""
	}
	return w, nil
}

// tokenIn finds a token in a stream id, or in what is left of one.
var tokenIn = regexp.MustCompile(`(^|[^A-Za-z])t=[^,}]*`)

// masked is a stream id for the log, without its token.
func masked(id string) string { return tokenIn.ReplaceAllString(id, "${1}t=...") }
