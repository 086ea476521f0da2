package bridge

import (
	"context"
	"errors"
	"sync"
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
					stop, err := NewPermits(authorize).Permit(t.Context(), "cam", Ingest{}, "key", func(err error) { ended <- err })
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
	if _, err := NewPermits(func(context.Context, string, Ingest, string) (time.Time, error) { return time.Time{}, ErrForbidden }).Permit(t.Context(), "", Ingest{}, "", nil); !errors.Is(err, ErrForbidden) {
		t.Errorf("refused: %v", err)
	}
}

// TestPermitAgain: what is permitted for good is asked about again when somebody says so,
// also when that comes while it is asked; what has ended, or was refused, is not.
func TestPermitAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards what follows: permits are asked about by timers
		allowed, asked, hold := true, 0, make(chan struct{})
		close(hold)
		permits := NewPermits(func(context.Context, string, Ingest, string) (time.Time, error) {
			mu.Lock()
			asked++
			was, wait := allowed, hold
			mu.Unlock()
			<-wait
			if !was {
				return time.Time{}, ErrForbidden
			}
			return time.Time{}, nil
		})
		ended := make(chan error, 9)
		permit := func() (stop func()) {
			stop, err := permits.Permit(t.Context(), "cam", Ingest{}, "key", func(err error) { ended <- err })
			if err != nil {
				t.Fatal(err)
			}
			return stop
		}
		again := func(wantAsked, wantEnded int) {
			t.Helper()
			mu.Lock()
			asked = 0
			mu.Unlock()
			permits.Again()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			if asked != wantAsked || len(ended) != wantEnded {
				t.Errorf("asked %d times, %d ended, want %d and %d", asked, len(ended), wantAsked, wantEnded)
			}
		}
		first, second := permit(), permit()
		again(2, 0)
		first()
		again(1, 0)
		mu.Lock()
		allowed = false
		mu.Unlock()
		if stop, err := permits.Permit(t.Context(), "cam", Ingest{}, "key", nil); err == nil {
			stop()
			t.Error("it is permitted")
		}
		again(1, 1)
		second()
		if n := len(permits.all); n > 0 {
			t.Errorf("%d are left", n)
		}
		mu.Lock()
		allowed, hold = true, make(chan struct{})
		mu.Unlock()
		made := make(chan func())
		go func() { made <- permit() }()
		synctest.Wait() // it is being asked
		mu.Lock()
		allowed = false
		mu.Unlock()
		permits.Again()
		close(hold)
		stop := <-made
		time.Sleep(time.Second)
		if len(ended) != 2 {
			t.Error("what was permitted by what held before goes on")
		}
		stop()
		(*Permits)(nil).Again()
	})
}
