package relay

import (
	"cmp"
	"slices"
	"sync"

	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/wire"
)

// Roles of peers in metrics and logs. Of a client what comes in is a publisher's, and
// what goes out a subscriber's.
const (
	roleClient = "client"
	roleAbove  = "above" // a relay that this one connected to
	roleBelow  = "below" // a relay that connected to this one
)

func roleOf(s *moq.Session) string {
	if isDialed(s) {
		return roleAbove
	}
	if _, ok := s.PeerRelay(); ok {
		return roleBelow
	}
	return roleClient
}

// Traffic is what was moved with peers of one role in one region, from the start.
// Bytes are MOQT bytes; objects are those on streams and in datagrams.
type Traffic struct {
	Role string `json:"role"` // client, above or below
	// Region is that of the relay itself for clients, and of relays what the directory
	// or they themselves say; "" when it is not known, OTHER when there are too many.
	Region       string `json:"region"`
	BytesIn      uint64 `json:"bytesIn"`
	ObjectsIn    uint64 `json:"objectsIn"`
	BytesOut     uint64 `json:"bytesOut"`
	ObjectsOut   uint64 `json:"objectsOut"`
	StreamsOut   uint64 `json:"streamsOut"`
	DatagramsOut uint64 `json:"datagramsOut"`
	// Groups that subscribers did not get to their end, because they were behind by
	// time, by bytes, or all that is kept.
	SkippedLag       uint64 `json:"skippedLag"`
	SkippedFlooded   uint64 `json:"skippedFlooded"`
	SkippedLost      uint64 `json:"skippedLost"`
	Timeouts         uint64 `json:"timeouts"`
	DatagramsDropped uint64 `json:"datagramsDropped"`
	Unwanted         uint64 `json:"unwanted"`
}

// Skipped is how many groups subscribers did not get to their end.
func (t Traffic) Skipped() uint64 { return t.SkippedLag + t.SkippedFlooded + t.SkippedLost }

func (t *Traffic) add(u Traffic, sign uint64) {
	for _, x := range []struct{ to, from *uint64 }{
		{&t.BytesIn, &u.BytesIn}, {&t.ObjectsIn, &u.ObjectsIn}, {&t.BytesOut, &u.BytesOut}, {&t.ObjectsOut, &u.ObjectsOut},
		{&t.StreamsOut, &u.StreamsOut}, {&t.DatagramsOut, &u.DatagramsOut},
		{&t.SkippedLag, &u.SkippedLag}, {&t.SkippedFlooded, &u.SkippedFlooded}, {&t.SkippedLost, &u.SkippedLost},
		{&t.Timeouts, &u.Timeouts}, {&t.DatagramsDropped, &u.DatagramsDropped}, {&t.Unwanted, &u.Unwanted},
	} {
		*x.to += sign * *x.from
	}
}

// account is what the sessions of one connection have moved, in counters of its own:
// they are added up when somebody asks, so that sessions do not share what they touch
// for each object.
type account struct {
	sent deliver.Counters
	got  moq.Counters

	// Guarded by the mu of accounts.
	role, region string
	session      *moq.Session // nil while there is none
	subject      string       // of its tokens
	begun        Traffic      // what sessions before it had moved
}

// read takes a reading.
func (a *account) read() Traffic {
	return Traffic{
		Role: a.role, Region: a.region,
		BytesIn: a.got.Bytes.Load(), ObjectsIn: a.got.Objects.Load() + a.got.Datagrams.Load(),
		BytesOut: a.sent.Bytes.Load(), ObjectsOut: a.sent.Objects.Load() + a.sent.Datagrams.Load(),
		StreamsOut: a.sent.Streams.Load(), DatagramsOut: a.sent.Datagrams.Load(),
		SkippedLag: a.sent.SkippedLag.Load(), SkippedFlooded: a.sent.SkippedFlooded.Load(), SkippedLost: a.sent.SkippedLost.Load(),
		Timeouts: a.sent.Timeouts.Load(), DatagramsDropped: a.sent.DatagramsDropped.Load(), Unwanted: a.got.Unwanted.Load(),
	}
}

// accounts are those of a relay.
type accounts struct {
	mu       sync.Mutex // no other lock is taken while it is held
	open     map[*account]struct{}
	sessions map[*moq.Session]*account
	closed   map[[2]string]*Traffic // by role and region: sums of those that are over
	ends     map[string]uint64      // of sessions, by code
	refused  map[RequestErrors]uint64
}

func newAccounts() accounts {
	return accounts{
		open: map[*account]struct{}{}, sessions: map[*moq.Session]*account{},
		closed: map[[2]string]*Traffic{}, ends: map[string]uint64{}, refused: map[RequestErrors]uint64{},
	}
}

// begin opens an account.
func (s *accounts) begin() *account {
	a := &account{}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[a] = struct{}{}
	return a
}

// hold notes the session that an account is used by. The region of the first one is
// that of the account: what is counted stays where it was counted.
func (s *accounts) hold(a *account, session *moq.Session, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.role == "" {
		a.role, a.region = roleOf(session), region
	}
	a.session, a.subject, a.begun = session, "", a.read()
	s.sessions[session] = a
}

// leave notes that the session is over, and returns what it moved.
func (s *accounts) leave(a *account) Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved := a.read()
	moved.add(a.begun, ^uint64(0)) // which takes it off
	return moved
}

// forget ends what hold began. The record of the session is written by then.
func (s *accounts) forget(a *account, session *moq.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	if a.session == session {
		a.session = nil
	}
}

// end closes an account: nothing is added to it any more.
func (s *accounts) end(a *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, a)
	s.sum(a, s.closed)
}

// sum adds a reading of an account. The caller holds mu.
func (s *accounts) sum(a *account, to map[[2]string]*Traffic) {
	t := a.read()
	if t.Role == "" { // it never had a session
		t.Role = roleClient
	}
	key := [2]string{t.Role, t.Region}
	if to[key] == nil {
		to[key] = &Traffic{Role: t.Role, Region: t.Region}
	}
	to[key].add(t, 1)
}

// traffic adds all up, in order.
func (s *accounts) traffic() []Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[[2]string]*Traffic{}
	for key, t := range s.closed {
		sum := *t
		all[key] = &sum
	}
	for a := range s.open {
		if a.role != "" {
			s.sum(a, all)
		}
	}
	out := make([]Traffic, 0, len(all))
	for _, t := range all {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Traffic) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Region, b.Region)) })
	return out
}

// SessionCount is how many sessions there are of a transport, a draft and a role of the peer.
type SessionCount struct {
	Transport, Draft, Role string
	Sessions               int
}

// count counts the sessions that there are.
func (s *accounts) count() []SessionCount {
	s.mu.Lock()
	all := map[SessionCount]int{}
	for session, a := range s.sessions {
		all[SessionCount{Transport: session.Conn().Info().Kind.String(), Draft: session.Version().String(), Role: a.role}]++
	}
	s.mu.Unlock()
	out := make([]SessionCount, 0, len(all))
	for c, n := range all {
		c.Sessions = n
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b SessionCount) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Draft, b.Draft), cmp.Compare(a.Role, b.Role))
	})
	return out
}

// some returns sessions that there are, at most limit of them, as it comes.
func (s *accounts) some(limit int) []*moq.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*moq.Session, 0, min(limit, len(s.sessions)))
	for session := range s.sessions {
		if len(out) == limit {
			break
		}
		out = append(out, session)
	}
	return out
}

// name notes whom a token of a session was issued to; the first one stays.
func (s *accounts) name(session *moq.Session, subject string) {
	if subject == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.sessions[session]; a != nil && a.subject == "" {
		a.subject = subject
	}
}

func (s *accounts) subject(session *moq.Session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.sessions[session]; a != nil {
		return a.subject
	}
	return ""
}

// ended counts a session that ended.
func (s *accounts) ended(code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[code]++
}

// RequestErrors are requests that were refused: of a type, with a code. Codes that are
// not known are OTHER.
type RequestErrors struct{ Request, Code string }

// reject counts a request that was refused (moq.Config.Refused).
func (s *accounts) reject(request wire.MessageType, code wire.RequestError) {
	key := RequestErrors{Request: bounded(request.String()), Code: bounded(code.String())}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[key]++
}
