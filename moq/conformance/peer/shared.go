package peer

import (
	"fmt"
	"io"
	"sync"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// manyRequests is the MAX_REQUEST_ID that Hello grants in draft 16.
const manyRequests = 1 << 20

// shared is the control stream of draft 16, which requests have in common. What
// comes is sorted by request ID.
type shared struct {
	peer   *Peer
	opened chan transport.Stream // the client's stream, at a server

	mu    sync.Mutex
	route map[uint64]*Request // by request ID, those of updates included
}

// newShared returns nil in drafts whose requests have streams of their own.
func newShared(p *Peer) *shared {
	if !p.Version.Has(wire.FeatureControlStream) {
		return nil
	}
	return &shared{peer: p, opened: make(chan transport.Stream, 1), route: map[uint64]*Request{}}
}

// allowAll fills in what a SETUP must say so that the other side may do all.
func allowAll(p *Peer, m *wire.Setup) {
	if p.Version.Has(wire.FeatureControlStream) {
		m.Server = !p.Conn.Info().Client
		m.MaxRequestID = wire.Some(uint64(manyRequests))
	}
}

// open opens the control stream, or waits for it at a server.
func (s *shared) open() transport.SendStream {
	s.peer.t.Helper()
	if !s.peer.Conn.Info().Client {
		return wait(s.peer, s.opened, "the control stream")
	}
	stream := s.peer.openStream()
	s.peer.tasks.Go(func() { s.read(stream) })
	return stream
}

// accepts takes the first stream of a client for the control stream.
func (s *shared) accepts(stream transport.Stream) bool {
	s.peer.mu.Lock()
	first := !s.peer.heard && !s.peer.Conn.Info().Client
	s.peer.heard = true
	s.peer.mu.Unlock()
	if first {
		s.opened <- stream
		s.peer.tasks.Go(func() { s.read(stream) })
	}
	return first
}

// takes reports whether a request goes on the control stream.
func (s *shared) takes(m wire.Message) bool {
	switch m.(type) {
	case *wire.SubscribeNamespace, *wire.SubscribeTracks:
		return false
	}
	return true
}

func (s *shared) enter(id uint64, r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.route[id] = r
}

func (s *shared) find(id uint64) *Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.route[id]
}

// send sends a message of r; answers get the ID of what they answer.
func (s *shared) send(r *Request, id uint64, m wire.Message) {
	s.peer.t.Helper()
	switch m := m.(type) {
	case *wire.SubscribeOK:
		m.RequestID = id
	case *wire.FetchOK:
		m.RequestID = id
	case *wire.RequestErr:
		m.RequestID = id
	case *wire.PublishDone:
		m.RequestID = id
	case *wire.PublishOK:
		m.RequestID = id
	case *wire.RequestOK:
		m.RequestID = id
	case *wire.RequestUpdate:
		m.ExistingID = r.ID
		s.enter(m.RequestID, r)
	}
	s.peer.WriteControl(s.peer.Encode(m))
}

// cancel gives a request up by the message for it.
func (s *shared) cancel(r *Request) {
	s.peer.t.Helper()
	mine := r.ID%2 == s.peer.nextID%2
	switch r.First.(type) {
	case *wire.Subscribe:
		s.peer.SendControl(&wire.Unsubscribe{RequestID: r.ID})
	case *wire.Fetch:
		s.peer.SendControl(&wire.FetchCancel{RequestID: r.ID})
	case *wire.Publish:
		if mine {
			s.send(r, r.ID, &wire.PublishDone{Code: wire.DoneInternalError})
		} else {
			s.peer.SendControl(&wire.Unsubscribe{RequestID: r.ID})
		}
	case *wire.PublishNamespace:
		if mine {
			s.peer.SendControl(&wire.PublishNamespaceDone{RequestID: r.ID})
		} else {
			s.peer.SendControl(&wire.PublishNamespaceCancel{RequestID: r.ID})
		}
	default:
		s.peer.t.Fatalf("draft 16 cannot cancel a %T", r.First)
	}
}

// read sorts what comes on the control stream.
func (s *shared) read(stream transport.Stream) {
	in := newReader(stream)
	for {
		m, err := in.message(s.peer.Version)
		if err != nil {
			s.peer.said <- event{err: err}
			return
		}
		s.sort(m)
	}
}

func (s *shared) sort(m wire.Message) {
	cancelled := &transport.StreamError{Code: uint64(wire.ResetCancelled), Remote: true}
	switch m := m.(type) {
	case *wire.Subscribe, *wire.Fetch, *wire.Publish, *wire.PublishNamespace, *wire.TrackStatus:
		r := &Request{ID: requestID(m), First: m, peer: s.peer, events: make(chan event, backlog)}
		s.enter(r.ID, r)
		s.peer.requests <- r
	case *wire.SubscribeOK:
		s.hand(m.RequestID, m, nil)
	case *wire.FetchOK:
		s.hand(m.RequestID, m, nil)
	case *wire.PublishOK:
		s.hand(m.RequestID, m, nil)
	case *wire.RequestUpdate:
		s.hand(m.ExistingID, m, nil)
	case *wire.RequestOK:
		var end error
		if r := s.find(m.RequestID); r != nil && r.First.Type() == wire.MsgTrackStatus {
			end = io.EOF
		}
		s.hand(m.RequestID, m, end)
	case *wire.RequestErr:
		var end error
		if r := s.find(m.RequestID); r != nil && r.ID == m.RequestID {
			end = io.EOF
		}
		s.hand(m.RequestID, m, end)
	case *wire.PublishDone:
		s.hand(m.RequestID, m, io.EOF)
	case *wire.Unsubscribe:
		s.hand(m.RequestID, nil, cancelled)
	case *wire.FetchCancel:
		s.hand(m.RequestID, nil, cancelled)
	case *wire.PublishNamespaceDone:
		s.hand(m.RequestID, nil, cancelled)
	case *wire.PublishNamespaceCancel:
		s.hand(m.RequestID, nil, cancelled)
	default:
		s.peer.said <- event{message: m}
	}
}

// hand gives a request a message, an end, or one after the other.
func (s *shared) hand(id uint64, m wire.Message, end error) {
	r := s.find(id)
	if r == nil {
		s.peer.extra <- fmt.Sprintf("a %T for the unknown request %d came", m, id)
		return
	}
	if m != nil {
		r.events <- event{message: m}
	}
	if end != nil {
		r.events <- event{err: end}
	}
}
