package admin

import (
	"context"
	"net/http"
	web "net/http/pprof"
	"runtime/pprof"
	"strconv"
	"time"
)

// maxProfile bounds how long a profile may take, in seconds.
const maxProfile = 300

func (s *Server) serveProfiles(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	web.Index(w, r)
}

// serveProfile answers with a profile. It may take longer than other answers.
func (s *Server) serveProfile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("profile")
	if text := r.URL.Query().Get("seconds"); text != "" {
		if n, err := strconv.ParseFloat(text, 64); err != nil || !(n > 0 && n <= maxProfile) {
			s.send(w, http.StatusBadRequest, &Failure{http.StatusBadRequest, "seconds: give a number up to " + strconv.Itoa(maxProfile)})
			return
		}
	}
	// It writes after longer than the server allows, and refuses when it sees that.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add((maxProfile + 30) * time.Second)) // not all have one
	r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{}))
	switch name {
	case "profile":
		web.Profile(w, r)
	case "trace":
		web.Trace(w, r)
	case "cmdline": // what was given there is not masked
		s.fail(w, &Failure{http.StatusNotFound, "the command line is not shown: it may hold secrets"})
	case "symbol":
		web.Symbol(w, r)
	default:
		if pprof.Lookup(name) == nil {
			s.fail(w, &Failure{http.StatusNotFound, "there is no such profile: see /debug/pprof/"})
			return
		}
		web.Handler(name).ServeHTTP(w, r)
	}
}
