package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// SourceConfig says where keys come from.
type SourceConfig struct {
	// Location is a file or an http(s) URL of what ParseKeys reads; at a URL text is no
	// secret.
	Location string
	// Refresh is how long the keys of a URL are relied on before they are asked for
	// again; 0 means 5 min. A file is looked at once a second while it is needed, and
	// for every key ID that is not known.
	Refresh time.Duration
	// Client asks for URLs; nil means one that gives up after 5 s.
	Client *http.Client
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

// Source has the keys of a file or URL and renews them when they are looked for, so
// that it needs no goroutine. When they cannot be had, the last ones stay good. It
// implements Keys.
type Source struct {
	config SourceConfig
	log    *slog.Logger

	fetching chan struct{} // has one element while somebody renews

	mu      sync.Mutex // guards what follows
	keys    []Key
	renewed time.Time // when they were had last
	tried   time.Time // when that was tried last
	file    looked
	failing bool
}

// looked is what a file was when it was read last.
type looked struct {
	info fs.FileInfo // nil: it never was
	// settled says that it had not changed for a while then: if it looks the same it is.
	settled bool
	err     error // what was wrong with it
}

// same reports whether a file is the one that was read.
func (l looked) same(info fs.FileInfo) bool {
	return l.settled && os.SameFile(l.info, info) && l.info.ModTime().Equal(info.ModTime()) && l.info.Size() == info.Size()
}

// Time limits of renewing.
const (
	fetchPatience = 5 * time.Second
	// between is how long it takes at least from one try to the next, whatever key
	// IDs tokens name.
	between  = 10 * time.Second
	fileLook = time.Second
	// granularity is within what time a file may change again and look the same: that
	// of times in file systems.
	granularity = 50 * time.Millisecond
	maxBytes    = 1 << 20
)

// Open returns a source. The keys of a file must be there; those of a URL are asked
// for, and had later when that fails.
func Open(ctx context.Context, c SourceConfig) (*Source, error) {
	c.Refresh = cmp.Or(c.Refresh, 5*time.Minute)
	if c.Client == nil {
		c.Client = &http.Client{Timeout: fetchPatience}
	}
	s := &Source{config: c, log: c.Logger, fetching: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.Default()
	}
	err := s.renew(ctx)
	if err != nil && !s.isURL() {
		return nil, fmt.Errorf("keys of tokens in %s: %w", c.Location, err)
	}
	return s, nil
}

func (s *Source) isURL() bool {
	return strings.HasPrefix(s.config.Location, "https://") || strings.HasPrefix(s.config.Location, "http://")
}

// shown is the location for logs: of a URL without user, password and query.
func (s *Source) shown() string {
	if !s.isURL() {
		return s.config.Location
	}
	u, err := url.Parse(s.config.Location)
	if err != nil {
		return "a URL that can not be read"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Find implements Keys. For an ID that is not known the keys are renewed: those of a URL
// not more often than every 10 s, those of a file each time, as a look at it costs less
// than what is done with the token. So a key is good as soon as it is in the file,
// however short a time before that was looked at for somebody else.
func (s *Source) Find(ctx context.Context, id string) ([]Key, error) {
	s.mu.Lock()
	keys := s.keys
	known := len(choose(keys, id)) > 0
	due := s.isDue(known, time.Now()) || !known && len(s.fetching) > 0 // it may be on its way
	s.mu.Unlock()
	if due {
		if err := s.renew(ctx); err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		s.mu.Lock()
		keys = s.keys
		s.mu.Unlock()
	}
	if len(keys) == 0 {
		return nil, errors.New("none could be had yet")
	}
	return choose(keys, id), nil
}

// isDue reports whether the keys are to be renewed. The caller holds mu.
func (s *Source) isDue(known bool, now time.Time) bool {
	since := now.Sub(s.tried)
	if !s.isURL() {
		return !known || since >= fileLook || since < 0
	}
	return (!known || now.Sub(s.renewed) >= s.config.Refresh) && since >= between || since < 0
}

// choose returns the keys with an ID. Those without one may have signed any token, and
// any may have signed one that names none.
func choose(keys []Key, id string) []Key {
	if id == "" {
		return keys
	}
	var out []Key
	for _, k := range keys {
		if k.ID == id || k.ID == "" {
			out = append(out, k)
		}
	}
	return out
}

// renew reads the keys anew. Those of a URL are asked for once by all who come
// meanwhile; a file is looked at by each, as who was at it may have been too early.
func (s *Source) renew(ctx context.Context) error {
	select {
	case s.fetching <- struct{}{}:
	default:
		select {
		case s.fetching <- struct{}{}: // whoever did is done
			if s.isURL() {
				<-s.fetching
				return nil
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	defer func() { <-s.fetching }()
	s.mu.Lock()
	s.tried = time.Now()
	had := s.file
	s.mu.Unlock()
	keys, file, err := s.read(ctx, had)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && ctx.Err() != nil: // who asked has left: it was not tried
		s.tried = time.Time{}
	case err != nil:
		if !s.failing {
			s.log.Warn("keys of tokens not renewed", "location", s.shown(), "known", len(s.keys), "error", err)
		}
		s.failing = true
	default:
		if s.failing {
			s.log.Info("keys of tokens renewed again", "location", s.shown())
		}
		s.failing, s.renewed = false, time.Now()
		if keys != nil {
			s.keys = keys
		}
	}
	s.file = file
	return err
}

// read returns the keys, nil when their file is the one that was read before, and that
// file.
func (s *Source) read(ctx context.Context, had looked) ([]Key, looked, error) {
	if s.isURL() {
		b, err := s.fetch(ctx)
		if err != nil {
			return nil, had, err
		}
		keys, err := parse(b, false)
		return keys, had, err
	}
	now := time.Now()
	info, err := os.Stat(s.config.Location)
	if err != nil {
		return nil, looked{}, err
	}
	if had.same(info) {
		return nil, had, had.err
	}
	b, err := os.ReadFile(s.config.Location)
	if err != nil {
		return nil, looked{}, err
	}
	keys, err := ParseKeys(b)
	return keys, looked{info, now.Sub(info.ModTime()).Abs() > granularity, err}, err
}

func (s *Source) fetch(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.config.Location, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.config.Client.Do(request)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return nil, failed.Err // without the URL, which may hold a secret
	}
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server says %s", response.Status)
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
	if err == nil && len(b) > maxBytes {
		err = fmt.Errorf("more than %d bytes", maxBytes)
	}
	return b, err
}
