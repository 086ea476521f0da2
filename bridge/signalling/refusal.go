package signalling

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Refusal is an error for the client, with its HTTP status. The text is for the
// person behind it and says what to change.
type Refusal struct {
	// Status is that of the HTTP answer, 400 or more.
	Status int
	// Text is its body, one line.
	Text string
	// RetryAfter is when the same request may do; 0 is never.
	RetryAfter time.Duration
}

// Error is the text.
func (r *Refusal) Error() string { return r.Text }

// Refuse makes a refusal of a request that is of no use again.
func Refuse(status int, format string, args ...any) error {
	return &Refusal{Status: status, Text: fmt.Sprintf(format, args...)}
}

// busy is how long a client should wait for a place.
const busy = 5 * time.Second

// Busy makes a refusal for now (503).
func Busy(format string, args ...any) error {
	return &Refusal{Status: http.StatusServiceUnavailable, Text: fmt.Sprintf(format, args...), RetryAfter: busy}
}

// write answers with an error, and returns its status.
func write(w http.ResponseWriter, err error) int {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		r = &Refusal{Status: http.StatusInternalServerError}
	}
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(r.RetryAfter.Seconds()))))
	}
	if r.Status == http.StatusUnauthorized { // RFC 9110 §15.5.2, RFC 6750 §3
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	http.Error(w, err.Error(), r.Status)
	return r.Status
}

// Cut shortens what a client sent for an error text.
func Cut(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}
