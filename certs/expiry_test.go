package certs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The log warns 30, 7 and 1 days before the end and at it, once each; of certificates
// that do not live long not before a third of their life is left.
func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		life, step time.Duration
		want       []string // what is left when it is warned
	}{
		{365 * day, time.Hour, []string{"720h0m0s", "168h0m0s", "24h0m0s", "ended"}},
		{90 * day, time.Hour, []string{"719h0m0s", "168h0m0s", "24h0m0s", "ended"}}, // renewed with 30 days left
		{47 * day, time.Hour, []string{"375h0m0s", "168h0m0s", "24h0m0s", "ended"}},
		{6 * day, time.Hour, []string{"47h0m0s", "24h0m0s", "ended"}},
		{time.Hour, time.Minute, []string{"19m0s", "ended"}},
	} {
		t.Run(c.life.String(), func(t *testing.T) {
			now := time.Now().Truncate(time.Second)
			b, err := generate([]string{"one.example"}, now, now.Add(c.life))
			if err != nil {
				t.Fatal(err)
			}
			pairs, err := parsePairs(b)
			if err != nil {
				t.Fatal(err)
			}
			log, text := textLog()
			e := NewExpiry(log)
			for at := now; at.Before(now.Add(c.life + 3*c.step)); at = at.Add(c.step) {
				e.Look(at, pairs[0])
			}
			var got []string
			for line := range strings.Lines(text.String()) {
				_, left, found := strings.Cut(strings.TrimSpace(line), "left=")
				if !found && strings.Contains(line, "level=ERROR") && strings.Contains(line, "has ended") {
					left = "ended"
				}
				if !strings.Contains(line, "one.example") {
					t.Errorf("it is not said which: %s", line)
				}
				got = append(got, left)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("warned at %q, want %q\n%s", got, c.want, text)
			}
		})
	}
}

// Files are watched while nothing changes, and a new certificate begins anew.
func TestFilesExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		// 10 s are looked at 8,640 times a day, so the lives are short.
		pairUntil(t, cert, key, "one.example", time.Now().Add(6*day))
		log, text := textLog()
		s, err := Files(cert, key, log)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		after := func(d time.Duration, warnings int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := strings.Count(text.String(), "level=WARN"); got != warnings {
				t.Errorf("%d warnings, want %d: %s", got, warnings, text)
			}
		}
		after(3*day, 0)
		after(day+6*time.Hour, 1)
		after(time.Hour, 1)
		pairUntil(t, cert, key, "one.example", time.Now().Add(3*day))
		after(time.Hour, 1)
		after(2*day+time.Hour, 3)
		after(day, 3)
		if strings.Count(text.String(), "has ended") != 1 {
			t.Errorf("the end is not told: %s", text)
		}
	})
}
