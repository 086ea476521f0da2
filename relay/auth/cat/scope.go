package cat

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Action is what the claim moqt permits (moq-c4m, moqt claim).
type Action int

// Actions of moq-c4m.
const (
	ClientSetup Action = iota
	ServerSetup
	PublishNamespace
	SubscribeNamespace
	Subscribe
	RequestUpdate
	Publish
	Fetch
	TrackStatus
)

var actionNames = [...]string{
	ClientSetup: "CLIENT_SETUP", ServerSetup: "SERVER_SETUP", PublishNamespace: "PUBLISH_NAMESPACE",
	SubscribeNamespace: "SUBSCRIBE_NAMESPACE", Subscribe: "SUBSCRIBE", RequestUpdate: "REQUEST_UPDATE",
	Publish: "PUBLISH", Fetch: "FETCH", TrackStatus: "TRACK_STATUS",
}

// String returns the name of the message.
func (a Action) String() string {
	if a >= 0 && int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action %d", int(a))
}

// actionOf is what moq-c4m calls a verb. SUBSCRIBE_TRACKS came after it: when it was
// written, SUBSCRIBE_NAMESPACE asked for tracks as well.
func actionOf(v relay.Verb) (Action, bool) {
	switch v {
	case relay.VerbConnect:
		return ClientSetup, true
	case relay.VerbPublishNamespace:
		return PublishNamespace, true
	case relay.VerbSubscribeNamespace, relay.VerbSubscribeTracks, relay.VerbShow:
		return SubscribeNamespace, true
	case relay.VerbSubscribe:
		return Subscribe, true
	case relay.VerbUpdate:
		return RequestUpdate, true
	case relay.VerbPublish:
		return Publish, true
	case relay.VerbFetch:
		return Fetch, true
	case relay.VerbTrackStatus:
		return TrackStatus, true
	}
	return 0, false
}

// Kind is how a Match compares.
type Kind int

// Kinds of matches.
const (
	Exact  Kind = 0
	Prefix Kind = 1
	Suffix Kind = 2
)

// Match is one for a field of a namespace or for a track name, byte by byte.
type Match struct {
	Kind  Kind
	Value string
}

func (m Match) matches(s string) bool {
	switch m.Kind {
	case Exact:
		return s == m.Value
	case Prefix:
		return strings.HasPrefix(s, m.Value)
	case Suffix:
		return strings.HasSuffix(s, m.Value)
	}
	return false
}

// String writes it with a star where anything may be.
func (m Match) String() string {
	switch m.Kind {
	case Prefix:
		return fmt.Sprintf("%q*", m.Value)
	case Suffix:
		return fmt.Sprintf("*%q", m.Value)
	}
	return fmt.Sprintf("%q", m.Value)
}

// Scope permits actions on what its matches match.
type Scope struct {
	Actions []Action
	// Namespace are matches for its first fields; none match every namespace. Whole
	// says that there must be no fields beyond.
	Namespace []Match
	Whole     bool
	// Track is for the name of the track; nil matches any.
	Track *Match
}

// permits reports whether the scope permits an action on a name. A session has no name,
// and a namespace no track: what there is not is not matched.
func (s Scope) permits(a Action, name wire.FullTrackName) bool {
	if !slices.Contains(s.Actions, a) {
		return false
	}
	switch a {
	case ClientSetup, ServerSetup:
		return true
	case PublishNamespace, SubscribeNamespace:
		return s.covers(name.Namespace)
	}
	return s.covers(name.Namespace) && (s.Track == nil || s.Track.matches(name.Name))
}

// covers reports whether the matches match the fields of a namespace.
func (s Scope) covers(ns wire.Namespace) bool {
	if len(ns) < len(s.Namespace) || s.Whole && len(ns) > len(s.Namespace) {
		return false
	}
	for i, m := range s.Namespace {
		if !m.matches(ns[i]) {
			return false
		}
	}
	return true
}

// touches is covers for a REQUEST_UPDATE, which may be about a namespace or a track: a
// track is not matched when there is none.
func (s Scope) touches(name wire.FullTrackName) bool {
	return slices.Contains(s.Actions, RequestUpdate) && s.covers(name.Namespace) &&
		(name.Name == "" || s.Track == nil || s.Track.matches(name.Name))
}

var errScope = errors.New("the claim moqt is not as moq-c4m has it")

// parseScopes reads the claim moqt.
func parseScopes(raw cbor.RawMessage) ([]Scope, error) {
	items, err := array(raw)
	if err != nil || len(items) == 0 {
		return nil, errScope
	}
	var scopes []Scope
	for _, item := range items {
		s, err := parseScope(item)
		if err != nil {
			return nil, err
		}
		scopes = append(scopes, s)
	}
	return scopes, nil
}

func parseScope(raw cbor.RawMessage) (s Scope, err error) {
	parts, err := array(raw)
	if err != nil || len(parts) == 0 || len(parts) > 3 {
		return s, errScope
	}
	actions, err := array(parts[0])
	if err != nil || len(actions) == 0 {
		return s, errScope
	}
	for _, one := range actions {
		var a int64
		if err := decoding.Unmarshal(one, &a); err != nil || !isInteger(one) {
			return s, errScope
		}
		if a >= 0 && a < int64(len(actionNames)) { // others permit what nobody can ask for here
			s.Actions = append(s.Actions, Action(a))
		}
	}
	if len(parts) > 1 {
		fields, err := array(parts[1])
		if err != nil || len(fields) == 0 {
			return s, errScope
		}
		for i, field := range fields {
			if isNil(field) {
				if i != len(fields)-1 {
					return s, fmt.Errorf("%w: nil is not the last of its matches", errScope)
				}
				s.Whole = true
				break
			}
			m, err := parseMatch(field)
			if err != nil {
				return s, err
			}
			s.Namespace = append(s.Namespace, m)
		}
	}
	if len(parts) > 2 {
		m, err := parseMatch(parts[2])
		if err != nil {
			return s, err
		}
		s.Track = &m
	}
	return s, nil
}

func parseMatch(raw cbor.RawMessage) (Match, error) {
	if value, ok := byteString(raw); ok {
		return Match{Value: string(value)}, nil
	}
	parts, err := array(raw)
	if err != nil || len(parts) != 2 || !isInteger(parts[0]) {
		return Match{}, errScope
	}
	var kind int64
	value, ok := byteString(parts[1])
	if err := decoding.Unmarshal(parts[0], &kind); err != nil || !ok || Kind(kind) != Prefix && Kind(kind) != Suffix {
		return Match{}, errScope // one of a kind that is not known could mean anything
	}
	return Match{Kind: Kind(kind), Value: string(value)}, nil
}
