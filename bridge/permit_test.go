package bridge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPermit: a publication ends with its permission, unless that is given again; one
// that is stopped, or for good, is not asked about.
func TestPermit(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []time.Duration // 0: for good; -1: no
		ends    time.Duration   // 0: it does not
		asked   int
	}{
		{"for good", []time.Duration{0}, 0, 1},
		{"once", []time.Duration{90 * time.Second, -1}, 90 * time.Second, 2},
		{"again", []time.Duration{10 * time.Second, 20 * time.Second, -1}, 30 * time.Second, 3},
		{"again for good", []time.Duration{10 * time.Second, 0}, 0, 2},
		{"an end that has passed", []time.Duration{10 * time.Second, -2 * time.Second}, 10 * time.Second, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, stopAt := range []time.Duration{0, 5 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					asked, ended := 0, make(chan error, 9)
					began := time.Now()
					authorize := Authorize(func(_ context.Context, name string, _ Ingest, credential string) (time.Time, error) {
						d := c.answers[asked]
						if asked++; name != "cam" || credential != "key" {
							t.Errorf("asked about %q by %q", name, credential)
						}
						switch d {
						case 0:
							return time.Time{}, nil
						case -1:
							return time.Time{}, ErrForbidden
						}
						return time.Now().Add(d), nil
					})
					stop, err := authorize.Permit(t.Context(), "cam", Ingest{}, "key", func(err error) { ended <- err })
					if err != nil {
						t.Fatal(err)
					}
					want, n := c.ends, c.asked
					if stopAt > 0 {
						time.Sleep(stopAt)
						stop()
						want, n = 0, 1
					}
					select {
					case err := <-ended:
						if at := time.Since(began); at != want || !errors.Is(err, ErrForbidden) && !errors.Is(err, ErrUnauthorized) {
							t.Errorf("ended after %v: %v, want %v", at, err, want)
						}
					case <-time.After(time.Hour):
						if want != 0 {
							t.Error("it does not end")
						}
					}
					stop()
					if asked != n || len(ended) > 0 {
						t.Errorf("asked %d times, want %d", asked, n)
					}
				})
			}
		})
	}
	if _, err := Authorize(func(context.Context, string, Ingest, string) (time.Time, error) { return time.Time{}, ErrForbidden }).Permit(t.Context(), "", Ingest{}, "", nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("refused: %v", err)
	}
}
