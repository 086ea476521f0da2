package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// unhex decodes hex with spaces in it; the tables are written in it.
func unhex(parts ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// frame puts a type, given in hex, and the length before a payload.
func frame(msgType string, payload ...string) []byte {
	p := unhex(payload...)
	return append(unhex(msgType, fmt.Sprintf("%04x", len(p))), p...)
}

// letters is the hex of n bytes "a".
func letters(n int) string { return strings.Repeat("61", n) }

// badCase is input that must be refused.
type badCase struct {
	name string
	in   []byte
	code SessionError
}

// wantError checks that err is the *Error of a bad case and says something.
func wantError(t *testing.T, err error, code SessionError) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want %v", err, code)
	}
	if e.Code != code || e.Reason == "" {
		t.Fatalf("got error %v, want %v with a reason", err, code)
	}
}

// wantFault checks that err is either ErrShort or an *Error.
func wantFault(t *testing.T, err error, what string) {
	t.Helper()
	var e *Error
	if !errors.Is(err, ErrShort) && !errors.As(err, &e) {
		t.Fatalf("%s: got error %v, want ErrShort or *Error", what, err)
	}
}
