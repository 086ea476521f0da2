package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/meter"
)

// relayCache is what /cache answers.
type relayCache = relay.CacheStats

func refuse(status int, format string, args ...any) (int, any) {
	return status, &Failure{status, fmt.Sprintf(format, args...)}
}

// limitOf reads the parameter limit.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, fmt.Errorf("limit: %.40q is not a number of 1 to %d", text, maxLimit)
	}
	return n, nil
}

// scopeOf reads limit and prefix.
func scopeOf(r *http.Request) (prefix wire.Namespace, limit int, err error) {
	if limit, err = limitOf(r); err == nil {
		prefix, err = wire.ParseNamespace(r.URL.Query().Get("prefix"))
	}
	return prefix, limit, err
}

func (s *Server) getReady(*http.Request) (int, any) {
	ready := s.ready()
	if !ready.Ready {
		return http.StatusServiceUnavailable, ready
	}
	return http.StatusOK, ready
}

func (s *Server) ingests() []Ingest { return append([]Ingest{}, s.config.Ingests()...) }

// Stats reads all counters.
func (s *Server) Stats() Stats {
	x := Stats{
		Name: s.config.Name, UptimeSeconds: s.uptime(), Stats: s.config.Relay.Stats(),
		Certificates: append([]Certificate{}, s.config.Certificates()...), Ingests: s.ingests(),
	}
	x.Links = append([]relay.LinkStatus{}, x.Links...)
	return x
}

func (s *Server) getStats(*http.Request) (int, any) { return http.StatusOK, s.Stats() }

func (s *Server) getOverview(r *http.Request) (int, any) {
	limit, err := limitOf(r)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	return http.StatusOK, s.overview(limit)
}

// overview has up to limit tracks.
func (s *Server) overview(limit int) Overview {
	now, x := s.pace.now(), s.config.Relay.Stats()
	o := Overview{
		Node: NodeInfo{
			Name: s.config.Name, ID: s.config.Relay.ID(), Region: s.config.Region, Version: s.config.Version,
			At: time.Now(), UptimeSeconds: s.uptime(), Readiness: s.ready(),
		},
		Totals: Totals{
			Sessions: x.Sessions, Subscriptions: x.Subscriptions, Tracks: x.Tracks, Namespaces: x.Namespaces, Requests: x.Requests, Refused: x.Refused,
			GroupsSkipped: x.GroupsSkipped, BytesIn: x.BytesIn, BytesOut: x.BytesOut,
		},
		History: now.history, Delays: s.delays(now), Links: s.links(now), Tracks: s.tracks(nil, now),
		Traffic: append([]relay.Traffic{}, s.config.Relay.Traffic()...), Cache: x.Cache, Ingests: s.ingests(),
	}
	if now.known {
		o.Totals.BitsIn, o.Totals.BitsOut = &now.in, &now.out
	}
	sortTracks(o.Tracks, "rate")
	o.Tracks = o.Tracks[:min(limit, len(o.Tracks))]
	return o
}

// delays are those since the reading that is a minute old, or as old as there are
// readings; without any those since the start.
func (s *Server) delays(now rates) Delays {
	x := Delays{Seconds: s.uptime()}
	forward, queued := s.config.Delays()
	if b := now.base; b != nil {
		x.Seconds = time.Since(b.at).Seconds()
		forward, queued = forward.Since(b.forward), queued.Since(b.queued)
	}
	x.Forward, x.Queued = delayOf(forward), delayOf(queued)
	return x
}

func delayOf(d meter.Distribution) Delay {
	return Delay{Samples: d.Count(), P50: d.Quantile(0.5), P99: d.Quantile(0.99)}
}

// links are the links to other relays, with their rates.
func (s *Server) links(now rates) []Link {
	links := []Link{}
	for _, l := range s.config.Relay.Links() {
		x := Link{LinkStatus: l}
		if bits, ok := now.links[linkKey(l)]; ok {
			x.BitsIn, x.BitsOut = &bits[0], &bits[1]
		}
		links = append(links, x)
	}
	return links
}

// tracks are those below a prefix, up to maxPaced, with their rates.
func (s *Server) tracks(prefix wire.Namespace, now rates) []Track {
	page, _ := s.config.Relay.TrackPage(prefix, "", maxPaced)
	return withRates(page, now)
}

func withRates(page []relay.TrackStatus, now rates) []Track {
	tracks := make([]Track, 0, len(page))
	for _, t := range page {
		x := Track{TrackStatus: t}
		if bits, ok := now.tracks[t.Name]; ok {
			x.BitsIn, x.BitsOut = &bits[0], &bits[1]
		}
		tracks = append(tracks, x)
	}
	return tracks
}

// sortTracks puts the highest first; those of the same by name, as they are.
func sortTracks(tracks []Track, by string) {
	slices.SortStableFunc(tracks, func(a, b Track) int {
		if by == "rate" {
			return cmp.Compare(b.rate(), a.rate())
		}
		return cmp.Compare(b.Subscribers, a.Subscribers)
	})
}

// rate is what the track has the node do.
func (t Track) rate() float64 { return value(t.BitsIn) + value(t.BitsOut) }

func value(rate *float64) float64 {
	if rate == nil {
		return 0
	}
	return *rate
}

func (s *Server) getSessions(r *http.Request) (int, any) {
	limit, err := limitOf(r)
	after := uint64(0)
	if text := r.URL.Query().Get("after"); err == nil && text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			err = fmt.Errorf("after: %.40q is not what next said", text)
		}
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	page, more := s.config.Relay.SessionPage(after, limit)
	x := Sessions{Sessions: page}
	if more {
		x.Next = page[len(page)-1].ID
	}
	return http.StatusOK, x
}

func (s *Server) deleteSession(r *http.Request) (int, any) {
	id := r.PathValue("id")
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil || !s.config.Relay.CloseSession(n) {
		return refuse(http.StatusNotFound, "there is no session %.40q: see /sessions", id)
	}
	return http.StatusOK, Closed{id}
}

func (s *Server) getTracks(r *http.Request) (int, any) {
	prefix, limit, err := scopeOf(r)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	q, now := r.URL.Query(), s.pace.now()
	switch by := q.Get("sort"); by {
	case "rate", "subscribers":
		all := s.tracks(prefix, now)
		sortTracks(all, by)
		return http.StatusOK, Tracks{Tracks: all[:min(limit, len(all))]}
	case "", "name":
		page, more := s.config.Relay.TrackPage(prefix, q.Get("after"), limit)
		x := Tracks{Tracks: withRates(page, now)}
		if more {
			x.Next = page[len(page)-1].Name
		}
		return http.StatusOK, x
	default:
		return refuse(http.StatusBadRequest, "sort: %.40q is none of name, rate, subscribers", by)
	}
}

func (s *Server) getNamespaces(r *http.Request) (int, any) {
	prefix, limit, err := scopeOf(r)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	routes := append([]relay.RouteStatus{}, s.config.Relay.Routes(prefix, limit+1)...)
	return http.StatusOK, Namespaces{Routes: routes[:min(limit, len(routes))], More: len(routes) > limit}
}

func (s *Server) getUpstreams(*http.Request) (int, any) {
	return http.StatusOK, Upstreams{s.links(s.pace.now())}
}

func (s *Server) getCache(*http.Request) (int, any) {
	return http.StatusOK, s.config.Relay.Stats().Cache
}

func (s *Server) postPurge(r *http.Request) (int, any) {
	q := r.URL.Query()
	namespace, track := q.Get("namespace"), q.Get("track")
	switch {
	case (namespace == "") == (track == ""):
		return refuse(http.StatusBadRequest, "give either namespace or track, in their printable form")
	case track != "":
		name, err := wire.ParseFullTrackName(track)
		if err != nil {
			return refuse(http.StatusBadRequest, "track: %v", err)
		}
		n := 0
		if s.config.Relay.PurgeTrack(name) {
			n = 1
		}
		return http.StatusOK, Purged{n}
	default:
		ns, err := wire.ParseNamespace(namespace)
		if err != nil {
			return refuse(http.StatusBadRequest, "namespace: %v", err)
		}
		return http.StatusOK, Purged{s.config.Relay.Purge(ns)}
	}
}

func (s *Server) postDrain(r *http.Request) (int, any) {
	if s.config.Drain == nil {
		return refuse(http.StatusNotImplemented, "this node can not drain")
	}
	uri, limit := r.URL.Query().Get("uri"), time.Duration(0)
	if u, err := url.Parse(uri); uri != "" && (err != nil || u.Host == "" || u.Scheme != "moqt" && u.Scheme != "https") {
		return refuse(http.StatusBadRequest, "uri: %.200q is not moqt://HOST:PORT or https://HOST:PORT/PATH", uri)
	}
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if limit, err = time.ParseDuration(text); err != nil || limit <= 0 {
			return refuse(http.StatusBadRequest, "timeout: %.40q is not a time such as 30s", text)
		}
	}
	s.config.Drain(uri, limit)
	return http.StatusAccepted, Draining{true}
}

// settings has no null for lists.
func (s *Server) settings() Settings {
	x := s.config.Settings()
	x.Values, x.Pending = append([]Setting{}, x.Values...), append([]Pending{}, x.Pending...)
	return x
}
