package web

import (
	"bytes"
	"encoding/json"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Config says what the pages are to offer. The zero value serves pages that
// tell of no relay.
type Config struct {
	// Relay is the URL browsers connect to, such as "https://{host}:4443/live".
	// {host} stands for the host name the page was opened with.
	Relay string
	// Fingerprints returns the SHA-256 of the relay's certificate in hex, and of those
	// that will take its place, asked for every time because certificates change; none,
	// or nil: the certificate is one that browsers trust by themselves. It must be safe
	// for concurrent use.
	Fingerprints func() []string
	// WHIP takes publications from browsers, mounted at /whip/ with the whole
	// path; nil: none are taken.
	WHIP http.Handler
	// SRTPort is the UDP port for publishers; 0: none.
	SRTPort int
	// Logger takes what goes wrong; nil: slog.Default().
	Logger *slog.Logger
}

// contentSecurityPolicy allows what the pages do and nothing else: scripts,
// workers and styles of this server, WebTransport to any relay.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self' https:; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'self'"

// validName is what names of broadcasts look like.
var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// validDrafts is what the player's attribute "draft" looks like.
var validDrafts = regexp.MustCompile(`^[0-9][0-9 ,]{0,40}$`)

// about is what a page is about.
type about struct {
	s *server
	// Name is of the broadcast, "" if the page is about none; Draft what its viewer
	// wants to be spoken, "" for the player's choice.
	Name, Draft string
	Path        string // that was not found
}

// Asset is where the page finds a file: under a name that changes with the files, so
// that browsers need not ask whether they have the right one.
func (a about) Asset(file string) string { return "/assets/" + file + "?v=" + a.s.version }

// Settings is /config.json as it is now, for the page itself: a round trip less.
func (a about) Settings() (string, error) {
	body, err := a.s.settingsJSON()
	return string(body), err
}

// server is immutable after Handler returned it.
type server struct {
	config Config
	pages  *template.Template
	assets map[string]asset
	// version stands for all assets: they refer to each other.
	version string
	log     *slog.Logger
}

// Handler serves the pages, their assets, /config.json, /certificate.sha256
// and, when there is one, the WHIP endpoint. It panics only if the embedded
// files are damaged, which its tests rule out.
func Handler(c Config) http.Handler {
	assets, err := loadAssets(content)
	if err != nil {
		panic(err)
	}
	s := &server{
		config: c,
		pages:  template.Must(template.ParseFS(content, "static/*.html")),
		assets: assets, version: versionOf(assets),
		log: c.Logger,
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.config.Fingerprints == nil {
		s.config.Fingerprints = func() []string { return nil }
	}
	mux := http.NewServeMux()
	mux.Handle("/{$}", readOnly(s.index))
	mux.Handle("/watch/{name}", readOnly(s.named("watch.html", "autoplay=(self), fullscreen=(self), picture-in-picture=(self)")))
	mux.Handle("/publish/{name}", readOnly(s.named("publish.html", "camera=(self), microphone=(self), display-capture=(self), autoplay=(self)")))
	mux.Handle("/assets/{file}", readOnly(s.asset))
	mux.Handle("/favicon.ico", readOnly(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/assets/icon.svg", http.StatusFound)
	}))
	mux.Handle("/config.json", readOnly(s.settings))
	mux.Handle("/certificate.sha256", readOnly(s.certificate))
	if c.WHIP != nil {
		mux.Handle("/whip/", c.WHIP)
	}
	mux.Handle("/", readOnly(s.notFound))
	return mux
}

// readOnly refuses methods other than GET and HEAD, and keeps browsers from
// guessing types.
func readOnly(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this address can only be read", http.StatusMethodNotAllowed)
			return
		}
		h(w, r)
	})
}

func (s *server) index(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusOK, "index.html", about{s: s}, "")
}

// named serves a page about one broadcast; permissions is what the page may
// ask of the browser.
func (s *server) named(page, permissions string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if !validName.MatchString(name) || name == "." || name == ".." {
			s.notFound(w, r)
			return
		}
		a := about{s: s, Name: name}
		if draft := r.URL.Query().Get("draft"); validDrafts.MatchString(draft) {
			a.Draft = draft
		}
		s.page(w, r, http.StatusOK, page, a, permissions)
	}
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	s.page(w, r, http.StatusNotFound, "notfound.html", about{s: s, Path: path}, "")
}

func (s *server) page(w http.ResponseWriter, r *http.Request, status int, name string, data any, permissions string) {
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, name, data); err != nil {
		s.log.Error("page cannot be rendered", "page", name, "path", strconv.Quote(r.URL.Path), "err", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // settings are in it
	if permissions != "" {
		h.Set("Permissions-Policy", permissions)
	}
	s.send(w, r, status, body.Bytes())
}

func (s *server) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := s.assets[r.PathValue("file")]
	if !ok {
		s.notFound(w, r)
		return
	}
	a.serve(w, r, r.URL.Query().Get("v") == s.version)
}

// settingsJSON is what the pages' scripts read first; null stands for "not here". The
// certificate may be another when it is used: fingerprint says where to ask again.
func (s *server) settingsJSON() ([]byte, error) {
	doc := struct {
		Relay       string  `json:"relay"`
		Fingerprint *string `json:"fingerprint"`
		Certificate *string `json:"certificate"`
		WHIP        *string `json:"whip"`
		SRTPort     int     `json:"srtPort"`
	}{Relay: s.config.Relay, SRTPort: s.config.SRTPort}
	if fingerprints := s.config.Fingerprints(); len(fingerprints) > 0 {
		doc.Fingerprint = ptr("/certificate.sha256?all")
		doc.Certificate = ptr(strings.Join(fingerprints, ","))
	}
	if s.config.WHIP != nil {
		doc.WHIP = ptr("/whip/")
	}
	return json.Marshal(doc)
}

func (s *server) settings(w http.ResponseWriter, r *http.Request) {
	body, err := s.settingsJSON()
	if err != nil {
		s.log.Error("settings cannot be encoded", "err", err)
		http.Error(w, "the settings cannot be shown", http.StatusInternalServerError)
		return
	}
	s.fact(w, r, "application/json", append(body, '\n'))
}

// certificate tells the fingerprint as hex text, as other players expect it:
// without a newline, which some take for a digit, and that of now alone. With the
// query "all" those that come follow, after commas, for who keeps them.
func (s *server) certificate(w http.ResponseWriter, r *http.Request) {
	fingerprints := s.config.Fingerprints()
	if len(fingerprints) == 0 {
		http.Error(w, "this relay's certificate needs no fingerprint", http.StatusNotFound)
		return
	}
	if !r.URL.Query().Has("all") {
		fingerprints = fingerprints[:1]
	}
	s.fact(w, r, "text/plain; charset=utf-8", []byte(strings.Join(fingerprints, ",")))
}

// fact sends something that may be different next time, to pages of any site.
func (s *server) fact(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	s.send(w, r, http.StatusOK, body)
}

func (s *server) send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := w.Write(body); err != nil {
		s.log.Debug("viewer left before the page", "path", strconv.Quote(r.URL.Path), "err", err)
	}
}

func ptr(s string) *string { return &s }
