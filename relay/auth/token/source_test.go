package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// set is a JSON Web Key Set of the public parts of keys.
func set(t *testing.T, keys ...token.Key) []byte {
	t.Helper()
	var all []token.Key
	for _, k := range keys {
		all = append(all, public(t, k))
	}
	b, err := json.Marshal(map[string]any{"keys": all})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFileChanges: those that leave a file are not good any more a second later, and a
// broken file changes nothing.
func TestFileChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "keys.json")
		write := func(b []byte) {
			t.Helper()
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		first, second := generate(t, "ES256"), generate(t, "EdDSA")
		if _, err := token.Open(t.Context(), token.SourceConfig{Location: file, Logger: quiet()}); err == nil {
			t.Error("a file that is not there was opened")
		}
		write(set(t, first))
		source, err := token.Open(t.Context(), token.SourceConfig{Location: file, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		v := token.Verifier{Keys: source}
		good := func(k token.Key, want bool) {
			t.Helper()
			_, err := v.Verify(t.Context(), shown(issue(t, k, reads(""))))
			if (err == nil) != want {
				t.Errorf("key %s: %v, want it to be good: %v", k.ID, err, want)
			}
		}
		good(first, true)
		good(second, false)
		for _, step := range []struct {
			content       []byte
			first, second bool
		}{
			{set(t, first, second), true, true}, {[]byte("{"), true, true}, {nil, true, true}, {set(t, second), false, true},
		} {
			write(step.content)
			time.Sleep(time.Second)
			good(first, step.first)
			good(second, step.second)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		good(second, true)
	})
}

// TestKeyIsGoodAtOnce: a key is as soon as it is in the file, also when the file was
// looked at just before, for whoever it was: keys that are rotated one right after the
// other all are, and so are those of files that look the same as the one before.
func TestKeyIsGoodAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys.json")
	var source *token.Source
	for i := range 50 {
		k := generate(t, "EdDSA") // the sets all have the same size
		next := file + ".next"
		if i%2 == 0 {
			next = file // the same file, written over
		}
		if err := os.WriteFile(next, set(t, k), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, file); err != nil {
			t.Fatal(err)
		}
		var err error
		if source == nil {
			if source, err = token.Open(t.Context(), token.SourceConfig{Location: file, Logger: quiet()}); err != nil {
				t.Fatal(err)
			}
		}
		v := token.Verifier{Keys: source}
		if _, err := v.Verify(t.Context(), shown(issue(t, k, reads("")))); err != nil {
			t.Fatalf("the key of round %d: %v", i, err)
		}
		if _, err := v.Verify(t.Context(), shown(issue(t, generate(t, "EdDSA"), reads("")))); !errors.Is(err, auth.ErrInvalid) {
			t.Fatalf("a key that is not in the file: %v", err)
		}
	}
}

// server answers for a JWKS URL.
type server struct {
	mu     sync.Mutex
	answer func() (int, []byte)
	asked  int
}

func (s *server) RoundTrip(*http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.answer == nil {
		return nil, errors.New("no route to it")
	}
	code, body := s.answer()
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader(string(body)))}, nil
}

func (s *server) says(code int, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = func() (int, []byte) { return code, body }
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// TestURL: the keys of a URL are asked for again for a key ID that is not known, but
// not often, and after a while; when that fails the last ones stay good.
func TestURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s server
		source, err := token.Open(t.Context(), token.SourceConfig{
			Location: "https://keys.example/set", Refresh: 5 * time.Minute, Client: &http.Client{Transport: &s}, Logger: quiet(),
		})
		if err != nil {
			t.Fatal(err)
		}
		v := token.Verifier{Keys: source}
		first, second := generate(t, "ES256"), generate(t, "HS256")
		verify := func(k token.Key) error {
			_, err := v.Verify(t.Context(), shown(issue(t, k, reads(""))))
			return err
		}
		asked := func(want int) {
			t.Helper()
			if n := s.count(); n != want {
				t.Errorf("asked for %d times, want %d", n, want)
			}
		}
		if err := verify(first); err == nil || errors.Is(err, auth.ErrInvalid) {
			t.Errorf("without keys: %v, want that nothing can be said", err)
		}
		asked(1) // at the start, and not again at once
		s.says(200, set(t, first))
		time.Sleep(10 * time.Second)
		if err := verify(first); err != nil {
			t.Error(err)
		}
		asked(2)
		for range 100 { // of a key that nobody has
			if err := verify(second); !errors.Is(err, auth.ErrInvalid) {
				t.Errorf("a key that is not known: %v", err)
			}
			time.Sleep(time.Second)
		}
		asked(11)
		s.says(200, set(t, first, second))
		time.Sleep(10 * time.Second)
		if err := verify(second); err != nil {
			t.Errorf("a new key: %v", err)
		}
		asked(12)
		s.says(200, set(t, second)) // the first is withdrawn
		time.Sleep(4 * time.Minute)
		if err := verify(first); err != nil {
			t.Errorf("before it is asked for: %v", err)
		}
		asked(12)
		time.Sleep(time.Minute)
		if err := verify(first); !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("a key that was withdrawn: %v", err)
		}
		asked(13)
		for _, trouble := range []struct {
			code int
			body []byte
		}{{500, nil}, {200, []byte("<html>")}, {200, []byte("Please log in, at the portal of this network.")}, {200, []byte(`{"keys":[]}`)}, {200, make([]byte, 2<<20)}} {
			s.says(trouble.code, trouble.body)
			time.Sleep(time.Hour)
			if err := verify(second); err != nil {
				t.Errorf("with %d and %.20q from the server: %v", trouble.code, trouble.body, err)
			}
		}
		asked(18)
	})
}

// TestURLIsAskedOnce: many who look for keys at once ask for them once, and who leaves
// does not wait.
func TestURLIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := generate(t, "HS256")
		var s server
		s.says(200, set(t, k))
		slow := slowly{&s}
		source, err := token.Open(t.Context(), token.SourceConfig{Location: "https://keys.example/set", Client: &http.Client{Transport: slow}, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		text := shown(issue(t, k, reads("")))
		v := token.Verifier{Keys: source}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := v.Verify(t.Context(), text); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.count(); n != 2 {
			t.Errorf("asked for %d times, want 2", n)
		}
		next := generate(t, "HS256") // whose ID nobody knows yet
		s.says(200, set(t, k, next))
		time.Sleep(time.Minute)
		unknown := shown(issue(t, next, reads("")))
		for i := range 50 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond) // all while the first is asking
				if _, err := v.Verify(t.Context(), unknown); err != nil {
					t.Errorf("the %d-th to come with a new key: %v", i, err)
				}
			})
		}
		all.Wait()
		if n := s.count(); n != 3 {
			t.Errorf("asked for %d times, want 3", n)
		}
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := v.Verify(ctx, text); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > time.Millisecond {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
	})
}

type slowly struct{ http.RoundTripper }

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Second):
		return s.RoundTripper.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// TestURLIsNotShown: what is logged of a URL, and told of its failures, holds no secret.
func TestURLIsNotShown(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	for _, location := range []string{"https://joe:pass-word@keys.example/set?key=pass-word", "https://pass-word@keys.example/set"} {
		source, err := token.Open(t.Context(), token.SourceConfig{Location: location, Client: &http.Client{Transport: &server{}}, Logger: logger})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Find(t.Context(), ""); err == nil || strings.Contains(err.Error(), "pass-word") {
			t.Errorf("told: %v", err)
		}
	}
	if text := log.String(); strings.Contains(text, "pass-word") || strings.Count(text, "https://keys.example/set") != 2 || !strings.Contains(text, "no route") {
		t.Errorf("log:\n%s", text)
	}
}
