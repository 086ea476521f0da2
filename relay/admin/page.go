package admin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"time"

	"moqedge/relay"
)

//go:embed assets
var content embed.FS

// pagePolicy allows what the page does and nothing else.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is the status page and what belongs to it; immutable.
type page struct{ template *template.Template }

// newPage panics only if the embedded files are damaged, which tests rule out.
func newPage() *page {
	functions := template.FuncMap{"size": Size, "rate": Rate, "latency": Latency, "partner": partner, "since": func(t time.Time) string { return Age(time.Since(t)) }}
	return &page{template.Must(template.New("status.html").Funcs(functions).ParseFS(content, "assets/status.html"))}
}

// asset serves the style and the script.
func (*page) asset(w http.ResponseWriter, r *http.Request) {
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	kind := types[path.Ext(r.PathValue("file"))]
	body, err := content.ReadFile("assets/" + r.PathValue("file"))
	if kind == "" || err != nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body) // who asked is gone otherwise
}

const (
	pageTracks   = 50
	pageSessions = 50
)

// shown is what the page shows.
type shown struct {
	Overview
	Title        string
	Uptime       string
	Sessions     []relay.SessionStatus
	MoreSessions bool
	In, Out      string // points of the lines
	Measured     string // the time that delays are of
	Refresh      int    // seconds between readings without JavaScript; 0: none
	HitShare     string // of what was asked of the cache
}

// partner is a role of relay.Traffic in words.
func partner(role string) string {
	switch role {
	case "above":
		return "relays above"
	case "below":
		return "relays below"
	}
	return "publishers and viewers"
}

// Direction says in words where the other side of a link is.
func (l Link) Direction() string {
	switch {
	case !l.Dialed:
		return "below"
	case l.Peer:
		return "beside"
	}
	return "above"
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	x := shown{Overview: s.overview(pageTracks), Title: s.title(), Uptime: Age(time.Duration(s.uptime() * float64(time.Second)))}
	x.Sessions, x.MoreSessions = s.config.Relay.SessionPage(0, pageSessions)
	x.In = points(x.History, func(m Moment) float64 { return m.In })
	x.Out = points(x.History, func(m Moment) float64 { return m.Out })
	if asked := x.Cache.Hits + x.Cache.Misses; asked > 0 {
		x.HitShare = strconv.FormatUint(100*x.Cache.Hits/asked, 10) + " %"
	}
	x.Measured = Age(time.Duration(x.Delays.Seconds * float64(time.Second)))
	if n, err := strconv.Atoi(r.URL.Query().Get("refresh")); err == nil && n >= 1 && n <= 3600 {
		x.Refresh = n
	}
	var body bytes.Buffer
	if err := s.page.template.Execute(&body, x); err != nil {
		s.config.Logger.Error("status page can not be rendered", "error", err)
		s.fail(w, &Failure{http.StatusInternalServerError, "the page can not be shown: see the log"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	_, _ = w.Write(body.Bytes()) // who asked is gone otherwise
}
