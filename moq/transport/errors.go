package transport

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"moqedge/moq/wire"
)

// ErrStreamLimit says that the peer allows no further stream now. Streams
// that end give the credit back.
var ErrStreamLimit = errors.New("transport: the peer allows no further stream now")

// ErrDatagramTooLarge says that a datagram does not fit a packet on the
// current path, or that the peer takes no datagrams of this size.
var ErrDatagramTooLarge = errors.New("transport: datagram larger than the path or the peer allows")

// errWriteAfterClose is a mistake of the caller.
var errWriteAfterClose = errors.New("transport: write on a stream after Close")

// StreamError says that one direction of a stream was given up before FIN:
// by RESET_STREAM (seen by Read) or by STOP_SENDING (seen by Write).
type StreamError struct {
	// Code is the MOQT stream reset code (moqt-18 §3.3.3).
	Code uint64
	// Remote is true when the peer did it.
	Remote bool
}

// Error implements error.
func (e *StreamError) Error() string {
	return fmt.Sprintf("stream given up by %s with code %#x", side(e.Remote), e.Code)
}

// Is reports whether target is a StreamError with the same fields.
func (e *StreamError) Is(target error) bool {
	t, ok := target.(*StreamError)
	return ok && *t == *e
}

// CloseError says that one of the applications closed the session.
type CloseError struct {
	// Code is the MOQT session error code (moqt-18 §3.5); 0 is NO_ERROR.
	Code uint64
	// Remote is true when the peer did it.
	Remote bool
	// Reason is for people, chosen by whoever closed: quote it in logs.
	Reason string
}

// Error implements error; the code has its name, the reason is quoted.
func (e *CloseError) Error() string {
	text := fmt.Sprintf("session closed by %s with %s", side(e.Remote), wire.SessionError(e.Code))
	if e.Reason != "" {
		text += fmt.Sprintf(": %q", e.Reason)
	}
	return text
}

// Is reports whether target is a CloseError with the same code and side; a
// target without a Reason matches every reason.
func (e *CloseError) Is(target error) bool {
	t, ok := target.(*CloseError)
	return ok && t.Code == e.Code && t.Remote == e.Remote && (t.Reason == "" || t.Reason == e.Reason)
}

func side(remote bool) string {
	if remote {
		return "the peer"
	}
	return "us"
}

// maxReason is the longest Reason Phrase (moqt-18 §1.4.4), in bytes.
const maxReason = 1024

// cutReason shortens a reason to maxReason bytes without splitting a rune.
func cutReason(s string) string {
	if len(s) <= maxReason {
		return s
	}
	n := maxReason
	for n > maxReason-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
