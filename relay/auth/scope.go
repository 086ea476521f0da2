package auth

import (
	"slices"
	"strings"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Scope grants by prefixes of namespaces: what begins with all fields of one of them.
// A prefix without fields is everything, no prefix nothing.
type Scope struct {
	Get []wire.Namespace // to be read
	Put []wire.Namespace // to be published
}

// Permits implements Grant. Whoever may do something at all may connect and update
// what it was permitted. Namespaces may be asked for, and are shown, when they are
// above a prefix as well: what is told below is asked about for itself.
func (s Scope) Permits(a Ask) (until time.Time, ok bool) {
	ns := a.Name.Namespace
	within := func(p wire.Namespace) bool { return ns.HasPrefix(p) }
	switch a.Verb {
	case relay.VerbConnect, relay.VerbUpdate:
		ok = len(s.Get)+len(s.Put) > 0
	case relay.VerbSubscribe, relay.VerbFetch, relay.VerbTrackStatus:
		ok = slices.ContainsFunc(s.Get, within)
	case relay.VerbSubscribeNamespace, relay.VerbSubscribeTracks, relay.VerbShow:
		ok = slices.ContainsFunc(s.Get, func(p wire.Namespace) bool { return within(p) || p.HasPrefix(ns) })
	case relay.VerbPublish, relay.VerbPublishNamespace:
		ok = slices.ContainsFunc(s.Put, within)
	}
	return time.Time{}, ok
}

// ParsePath reads a prefix that is written as a path: fields between slashes, of
// which those at the ends, and empty fields, mean nothing. "" has no fields.
func ParsePath(path string) wire.Namespace {
	var ns wire.Namespace
	for field := range strings.SplitSeq(path, "/") {
		if field != "" {
			ns = append(ns, field)
		}
	}
	return ns
}
