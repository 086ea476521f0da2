package srt

import (
	"errors"
	"fmt"
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
	wantForms     = "want publish:NAME or #!::m=publish,r=NAME"
)

// publishName returns the name that a stream id asks to publish. Whether the
// name is a good one is for the hub to say. Errors are refusals.
func publishName(id string) (string, error) {
	switch {
	case id == "":
		return "", refuse(gosrt.REJX_BAD_REQUEST, "no stream id: %s", wantForms)
	case strings.HasPrefix(id, standardStart):
		return standardName(id[len(standardStart):])
	case strings.HasPrefix(id, plainPublish):
		if name := id[len(plainPublish):]; name != "" {
			return name, nil
		}
		return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id %q names nothing: %s", id, wantForms)
	}
	if verb, _, ok := strings.Cut(id, ":"); ok && reads(verb) {
		return "", refuse(gosrt.REJX_BAD_MODE, "stream id %q asks to read: SRT is for publishing only", id)
	}
	return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id %q not understood: %s", id, wantForms)
}

func reads(verb string) bool {
	switch verb {
	case "read", "play", "request", "subscribe":
		return true
	}
	return false
}

// standardName reads the key-value list of the SRT access control guidelines.
func standardName(list string) (string, error) {
	values := make(map[string]string)
	for pair := range strings.SplitSeq(list, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id has %q where key=value belongs", pair)
		}
		switch key {
		case "m", "r", "u", "s", "t", "h":
		default:
			return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id has unknown key %q: %s", key, wantForms)
		}
		if _, twice := values[key]; twice {
			return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id has key %q twice", key)
		}
		values[key] = value
	}
	switch mode := values["m"]; mode {
	case "publish":
	case "request", "":
		// The guidelines make request the default.
		return "", refuse(gosrt.REJX_BAD_MODE, "stream id asks to read (m=%s): SRT is for publishing only, %s", mode, wantForms)
	default:
		return "", refuse(gosrt.REJX_BAD_MODE, "stream id asks for mode %q: %s", mode, wantForms)
	}
	if values["r"] == "" {
		return "", refuse(gosrt.REJX_BAD_REQUEST, "stream id names nothing (no r=NAME): %s", wantForms)
	}
	return values["r"], nil
}
