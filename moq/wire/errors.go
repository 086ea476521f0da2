package wire

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrShort says that the input is a valid beginning and more bytes are needed.
var ErrShort = errors.New("wire: more bytes needed")

// Error is a fault of the peer that closes the session with Code (moqt-18 §3.5).
// Reason is for people; bytes the peer chose are quoted in it.
type Error struct {
	Code   SessionError
	Reason string
}

// Error implements error: the name of the code and the reason.
func (e *Error) Error() string { return e.Code.String() + ": " + e.Reason }

func violation(format string, args ...any) *Error {
	return &Error{Code: SessionProtocolViolation, Reason: fmt.Sprintf(format, args...)}
}

func badKeyValue(format string, args ...any) *Error {
	return &Error{Code: SessionKeyValueFormattingError, Reason: fmt.Sprintf(format, args...)}
}

// quoted makes a peer's string fit for a reason.
func quoted(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
