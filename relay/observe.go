package relay

import (
	"context"
	"errors"
	"strings"
	"time"

	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Observer is told what happens in a relay. Its methods are called by many goroutines
// at a time and must not block.
type Observer interface {
	// Opened says that a session is served: took is the time since the client's first
	// packet, where that is known, else since its connection was.
	Opened(kind transport.Kind, took time.Duration)
	// Subscribed says that a subscription was answered with SUBSCRIBE_OK, how long
	// after it was asked for, and where the track was had from.
	Subscribed(from Source, took time.Duration)
	// Sampled tells how one of many objects fared (deliver.Config.Observe).
	Sampled(s deliver.Sample)
	// Ended tells of a session, a subscription or a publication that is over.
	Ended(r Record)
}

// Source is where a relay had a track from when somebody subscribed to it.
type Source uint8

const (
	// SourceCache: it had the track already.
	SourceCache Source = iota
	// SourceUpstream and SourcePublisher: it was subscribed to at another relay, or at
	// a publisher that is connected here.
	SourceUpstream
	SourcePublisher
	// Sources is how many there are.
	Sources
)

// String returns the name used in metrics.
func (s Source) String() string { return [Sources]string{"cache", "upstream", "publisher"}[s] }

// Record tells of something that is over. Its strings, but Kind, Role, Transport,
// Draft and Code, are or may be the peer's: quote them.
type Record struct {
	Kind  string    // "session", "subscription", "publication" (a track that a publisher sent) or "ingest"
	Began time.Time // of Kind
	Ended time.Time
	// Of the session. Role is that of the peer: client, or relay above or below.
	// Subject is whom its token was issued to, "" when there is none or it says nothing.
	Remote, Transport, Draft, Role, Path, Subject string
	Track                                         string // "" for a session; the name of an ingest
	// BytesIn and ObjectsIn came from the peer, BytesOut and ObjectsOut went to it.
	BytesIn, ObjectsIn, BytesOut, ObjectsOut uint64
	GroupsSkipped                            uint64
	// Code says why it ended: that of PUBLISH_DONE or of the session, CANCELLED when
	// the subscriber left, SESSION_ENDED when it ended with its session, LOST when the
	// connection was. By is who ended it: local, remote or network.
	Code, By, Reason string
}

// opened tells the observer of a session that is served.
func (r *Relay) opened(s *moq.Session, arrived time.Time) {
	if r.config.Observer == nil {
		return
	}
	info := s.Conn().Info()
	if !info.Began.IsZero() {
		arrived = info.Began
	}
	r.config.Observer.Opened(info.Kind, time.Since(arrived))
}

// subscribed tells the observer, and the span, that a subscription was answered.
func (r *Relay) subscribed(u *use, asked time.Time) {
	if r.config.Observer == nil && u.span == nil {
		return
	}
	from := u.source()
	if r.config.Observer != nil {
		r.config.Observer.Subscribed(from, time.Since(asked))
	}
	if u.span != nil {
		u.span.From(from)
		u.span.Accepted(u.isWanting())
	}
}

// source is where a user has its track from.
func (u *use) source() Source {
	if !u.early {
		return SourceCache
	}
	return u.provider()
}

func (u *use) provider() Source {
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	for _, f := range u.entry.providers() {
		if f.link == nil {
			return SourcePublisher
		}
	}
	return SourceUpstream
}

func (u *use) isWanting() bool {
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	return u.wants
}

// record begins a record of what a session has asked for, or brought.
func (r *Relay) record(kind string, s *moq.Session, began time.Time) Record {
	info := s.Conn().Info()
	x := Record{
		Kind: kind, Began: began, Ended: time.Now(), Remote: info.RemoteAddr.String(), Transport: info.Kind.String(), Draft: s.Version().String(),
		Role: roleOf(s), Path: r.shownPath(s), Subject: r.accounts.subject(s),
	}
	if info.Client { // what it asked for is no peer's
		x.Path, _, _ = strings.Cut(info.Path, "?")
	}
	return x
}

// recordSession tells the observer that a session is over: moved is what it moved.
func (r *Relay) recordSession(s *moq.Session, began time.Time, moved Traffic) {
	code, by, reason := endOf(context.Cause(s.Context()))
	r.accounts.ended(code)
	if r.config.Observer == nil {
		return
	}
	x := r.record("session", s, began)
	x.BytesIn, x.ObjectsIn, x.BytesOut, x.ObjectsOut, x.GroupsSkipped = moved.BytesIn, moved.ObjectsIn, moved.BytesOut, moved.ObjectsOut, moved.Skipped()
	x.Code, x.By, x.Reason = code, by, reason
	r.config.Observer.Ended(x)
}

// recordSubscription tells the observer that a subscription that was served is over.
func (r *Relay) recordSubscription(s *moq.Session, track wire.FullTrackName, subject string, began time.Time, d moq.Delivery) {
	if r.config.Observer == nil {
		return
	}
	x := r.record("subscription", s, began)
	x.Track, x.BytesOut, x.ObjectsOut, x.GroupsSkipped = track.String(), d.Bytes, d.Objects, d.GroupsSkipped
	if subject != "" {
		x.Subject = subject
	}
	switch {
	case d.Done != nil:
		x.Code, x.By, x.Reason = d.Done.Code.String(), "local", d.Done.Reason
	case s.Context().Err() != nil:
		x.Code, x.By, x.Reason = ended(s)
	default:
		x.Code, x.By, x.Reason = "CANCELLED", "remote", "the subscriber left"
	}
	r.config.Observer.Ended(x)
}

// recordPublication tells the observer that a feed is over.
func (r *Relay) recordPublication(f *feed, done *live.Done) {
	if r.config.Observer == nil {
		return
	}
	x := r.record("publication", f.session, f.began)
	x.Track = f.entry.name.String()
	x.BytesIn, x.ObjectsIn = f.sub.Received()
	switch {
	case f.session.Context().Err() != nil:
		x.Code, x.By, x.Reason = ended(f.session)
	case done == nil || f.sub.Lost():
		x.Code, x.By, x.Reason = "CANCELLED", "remote", "the publisher left"
	default:
		x.Code, x.By, x.Reason = done.Code.String(), "remote", done.Reason
	}
	r.config.Observer.Ended(x)
}

// ended is the end of what ended with its session.
func ended(s *moq.Session) (code, by, reason string) {
	_, by, reason = endOf(context.Cause(s.Context()))
	return "SESSION_ENDED", by, reason
}

// endOf says why a session is over, by the cause of its context.
func endOf(cause error) (code, by, reason string) {
	var own *wire.Error
	var closed *transport.CloseError
	switch {
	case errors.As(cause, &closed):
		by = "local"
		if closed.Remote {
			by = "remote"
		}
		return bounded(wire.SessionError(closed.Code).String()), by, closed.Reason
	case errors.As(cause, &own):
		return bounded(own.Code.String()), "local", own.Reason
	case cause == nil:
		return "LOST", "network", ""
	}
	return "LOST", "network", cause.Error()
}

// bounded is the name of a code, or OTHER for one that is not known: a peer chooses
// those, and there are many.
func bounded(name string) string {
	if strings.HasPrefix(name, "0x") {
		return "OTHER"
	}
	return name
}
