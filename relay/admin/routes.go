package admin

import (
	"net/http"
)

// route is what a path answers to a method.
type route struct {
	method, path, name, summary string

	params  []param
	answers map[int]any // by status, a value of the type; nil for what is no JSON
	media   string      // "" means application/json
	open    bool        // nobody needs a right to ask
	answer  func(r *http.Request) (status int, body any)
	raw     http.HandlerFunc // in place of answer, for what is no JSON; takes any parameter
}

// param is a parameter of a query, or of the path.
type param struct {
	name, about string
	inPath      bool
	required    bool
	number      bool
	values      []string // what it may be; none: anything
}

const maxLimit = 1000

func limitParam() param {
	return param{name: "limit", number: true, about: "how many at most, 1 to 1000; 100 without it"}
}

func prefixParam() param {
	return param{name: "prefix", about: "of namespaces, in their printable form (moqt-18 §1.5): fields joined by -, such as live-cam1; all without it"}
}

// routes is all that is answered, but /assets and what Config.Metrics has.
func (s *Server) routes() []route {
	after := param{name: "after", about: "next of the page before"}
	failed := func(answers map[int]any, statuses ...int) map[int]any {
		for _, status := range statuses {
			answers[status] = Failure{}
		}
		return answers
	}
	get := func(path, name, summary string, body any, answer func(*http.Request) (int, any), params ...param) route {
		return route{method: http.MethodGet, path: path, name: name, summary: summary, params: params, answer: answer, answers: failed(map[int]any{http.StatusOK: body})}
	}
	bad := func(r route, statuses ...int) route { failed(r.answers, statuses...); return r }
	open := func(r route) route { r.open = true; return r }
	unready := open(get("/readyz", "readiness", "Whether to send somebody here: 503 while the node drains, has upstreams of which none is connected, or shows a certificate that has expired.", Readiness{}, s.getReady))
	unready.answers[http.StatusServiceUnavailable] = Readiness{}
	return []route{
		{method: http.MethodGet, path: "/{$}", name: "page", summary: "The status page.", media: "text/html", answers: map[int]any{http.StatusOK: nil}, raw: s.servePage},
		{method: http.MethodGet, path: "/tree.svg", name: "tree", summary: "The tree as this node sees it, as a picture.", media: "image/svg+xml", answers: map[int]any{http.StatusOK: nil}, raw: s.serveTree},
		{method: http.MethodGet, path: "/openapi.json", name: "description", summary: "This description.", answers: map[int]any{http.StatusOK: nil}, raw: s.serveDescription},
		open(get("/healthz", "health", "Answers while the process lives.", Health{}, func(*http.Request) (int, any) { return http.StatusOK, Health{"ok"} })),
		unready,
		get("/stats", "stats", "Counters of the relay, and what comes in.", Stats{}, s.getStats),
		bad(get("/overview", "overview", "The node at a glance, with rates.", Overview{}, s.getOverview, limitParam()), http.StatusBadRequest),
		bad(get("/sessions", "sessions", "Sessions, the eldest first.", Sessions{}, s.getSessions, after, limitParam()), http.StatusBadRequest),
		{
			method: http.MethodDelete, path: "/sessions/{id}", name: "closeSession", summary: "Closes a session, with NO_ERROR.",
			params:  []param{{name: "id", inPath: true, required: true, about: "id of /sessions"}},
			answers: failed(map[int]any{http.StatusOK: Closed{}}, http.StatusNotFound), answer: s.deleteSession,
		},
		bad(get("/tracks", "tracks", "Tracks, by name; or those with the highest rates, or the most subscribers, first.", Tracks{}, s.getTracks, prefixParam(), after, limitParam(),
			param{name: "sort", about: "the order; name without it", values: []string{"name", "rate", "subscribers"}}), http.StatusBadRequest),
		bad(get("/namespaces", "namespaces", "Ways to namespaces, those of each best first.", Namespaces{}, s.getNamespaces, prefixParam(), limitParam()), http.StatusBadRequest),
		get("/upstreams", "upstreams", "Links to other relays: upstreams in the order of the configuration, then relays that connected to this one.", Upstreams{}, s.getUpstreams),
		get("/cache", "cache", "What is kept, and how often that was enough.", relayCache{}, s.getCache),
		{
			method: http.MethodPost, path: "/cache/purge", name: "purge", summary: "Forgets what is kept of a namespace and those below it, or of one track. Subscriptions go on.",
			params: []param{
				{name: "namespace", about: "in its printable form"}, {name: "track", about: "in its printable form, such as live-cam1--video"},
			},
			answers: failed(map[int]any{http.StatusOK: Purged{}}, http.StatusBadRequest), answer: s.postPurge,
		},
		{
			method: http.MethodPost, path: "/drain", name: "drain", summary: "Has the node drain as after SIGTERM: not ready, nobody new, those who are connected are asked to leave. The process goes on until it is ended.",
			params: []param{
				{name: "uri", about: "the relay that they are sent to, moqt:// or https://; as configured without it"},
				{name: "timeout", about: "how long they may take, such as 30s; as configured without it"},
			},
			answers: failed(map[int]any{http.StatusAccepted: Draining{}}, http.StatusBadRequest, http.StatusNotImplemented), answer: s.postDrain,
		},
		get("/config", "config", "The configuration in effect, secrets masked, and what waits for a restart.", Settings{}, func(*http.Request) (int, any) { return http.StatusOK, s.settings() }),
		{method: http.MethodGet, path: "/debug/pprof/{$}", name: "profiles", summary: "The profiles that there are.", media: "text/html", answers: map[int]any{http.StatusOK: nil}, raw: s.serveProfiles},
		{
			method: http.MethodGet, path: "/debug/pprof/{profile}", name: "profile", summary: "A profile of the process, for go tool pprof.", media: "application/octet-stream",
			params: []param{
				{name: "profile", inPath: true, required: true, about: "profile (of the processor), trace, heap, allocs, goroutine, block, mutex, threadcreate or symbol"},
				{name: "seconds", number: true, about: "how long, up to 300"},
			},
			answers: failed(map[int]any{http.StatusOK: nil}, http.StatusBadRequest, http.StatusNotFound), raw: s.serveProfile,
		},
	}
}
