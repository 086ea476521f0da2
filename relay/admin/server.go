package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Server answers operators. It is an http.Handler; Close ends its goroutine.
type Server struct {
	config      Config
	guard       *guard
	pace        *pace
	stop        context.CancelFunc
	mux         *http.ServeMux
	page        *page
	description []byte // /openapi.json
}

// New returns a server. The caller closes it when no request is being answered any more.
func New(c Config) *Server {
	s := &Server{config: c.withDefaults(), mux: http.NewServeMux(), page: newPage()}
	s.guard = newGuard(s.config)
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.pace = stop, &pace{ctx: ctx, read: s.read}
	routes := s.routes()
	s.description = describe(routes, s.config.Version)
	methods := map[string][]route{}
	for _, r := range routes {
		methods[r.path] = append(methods[r.path], r)
	}
	for path, at := range methods {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.dispatch(at, w, r) })
	}
	if c.Metrics != nil {
		s.mux.Handle("/metrics", s.guarded(c.Metrics))
		s.mux.Handle("/metrics/", s.guarded(c.Metrics))
	}
	s.mux.HandleFunc("/assets/{file}", s.page.asset)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, &Failure{http.StatusNotFound, "there is nothing at this path: see /openapi.json"})
	})
	return s
}

// Close ends what makes rates.
func (s *Server) Close() {
	s.stop()
	s.pace.running.Wait()
}

// ServeHTTP answers a request. A panic is answered with 500, and logged with its stack.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			s.config.Logger.Error("admin request panicked", "path", strconv.Quote(r.URL.Path), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			s.fail(w, &Failure{http.StatusInternalServerError, "this can not be answered: see the log"})
		}
	}()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

func (s *Server) guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.guard.check(r); f != nil {
			s.fail(w, f)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// dispatch answers a request for a path with the routes of that path.
func (s *Server) dispatch(at []route, w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // the server leaves out the body
	}
	i := slices.IndexFunc(at, func(x route) bool { return x.method == method })
	if i < 0 {
		var allow []string
		for _, x := range at {
			if allow = append(allow, x.method); x.method == http.MethodGet {
				allow = append(allow, http.MethodHead)
			}
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		s.fail(w, &Failure{http.StatusMethodNotAllowed, "this path answers " + strings.Join(allow, ", ")})
		return
	}
	x := at[i]
	if !x.open {
		if f := s.guard.check(r); f != nil {
			s.fail(w, f)
			return
		}
	}
	for name := range r.URL.Query() {
		if x.raw == nil && !slices.ContainsFunc(x.params, func(p param) bool { return p.name == name }) {
			s.fail(w, &Failure{http.StatusBadRequest, fmt.Sprintf("there is no parameter %.80q: see /openapi.json", name)})
			return
		}
	}
	if x.raw != nil {
		x.raw(w, r)
		return
	}
	status, body := x.answer(r)
	s.send(w, status, body)
}

func (s *Server) fail(w http.ResponseWriter, f *Failure) {
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="moqedge", charset="UTF-8"`)
	}
	s.send(w, f.Status, f)
}

func (s *Server) send(w http.ResponseWriter, status int, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		s.config.Logger.Error("admin answer can not be encoded", "error", err)
		status, text = http.StatusInternalServerError, []byte(`{"status": 500, "error": "the answer can not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // who asked is gone otherwise
}

// ready says whether to send somebody here, and why not.
func (s *Server) ready() Readiness {
	r := Readiness{Reasons: []string{}}
	if s.config.Draining() {
		r.Reasons = append(r.Reasons, "draining")
	}
	above, reached := 0, 0
	for _, l := range s.config.Relay.Links() {
		if !l.Dialed || l.Peer {
			continue
		}
		if above++; l.State == "connected" || l.State == "idle" && l.Error == "" {
			reached++
		}
	}
	if above > 0 && reached == 0 {
		r.Reasons = append(r.Reasons, "no upstream is connected")
	}
	r.Reasons = append(r.Reasons, s.config.Unready()...)
	r.Ready = len(r.Reasons) == 0
	return r
}

func (s *Server) uptime() float64 { return time.Since(s.config.Started).Seconds() }
