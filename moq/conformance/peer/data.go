package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Stream is a data stream of the other side.
type Stream struct {
	// One of them is set. In mode SubgroupFirstObject the objects know the subgroup.
	Subgroup *wire.SubgroupHeader
	Fetch    *wire.FetchHeader

	peer   *Peer
	stream transport.ReceiveStream
	items  chan item
}

func (s *Stream) String() string {
	if s.Fetch != nil {
		return fmt.Sprintf("fetch %+v", *s.Fetch)
	}
	return fmt.Sprintf("subgroup %+v", *s.Subgroup)
}

// Object is an object that came, or a marker on a fetch stream.
type Object struct {
	wire.Location
	Marker     wire.FetchItem // FetchItemObject for objects
	Subgroup   uint64
	Datagram   bool
	Priority   wire.Option[uint8]
	Status     wire.ObjectStatus
	Properties wire.Properties
	Payload    []byte
}

// item is an object, or why no more comes. An object that was cut short comes
// with the error.
type item struct {
	object *Object
	err    error
}

// acceptUni sorts the other side's unidirectional streams. Their headers are read
// one after the other, so that streams are seen in the order in which they began.
func (p *Peer) acceptUni() {
	for {
		stream, err := p.Conn.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		if read := p.begin(stream); read != nil {
			p.tasks.Go(read)
		}
	}
}

// begin reads the header of a stream; what it returns reads the rest.
func (p *Peer) begin(stream transport.ReceiveStream) (read func()) {
	in := newReader(stream)
	kind, err := take(in, func(b []byte) (wire.StreamType, int, error) {
		t, _, err := wire.ParseStreamType(p.Version, b)
		return t, 0, err
	})
	if err != nil {
		p.extra <- "a unidirectional stream without a type came: " + err.Error()
		return nil
	}
	s := &Stream{peer: p, stream: stream, items: make(chan item, backlog)}
	switch kind {
	case wire.StreamSetup:
		p.mu.Lock()
		again := p.heard
		p.heard = true
		p.mu.Unlock()
		if again {
			p.extra <- "a second control stream came"
		}
		return func() { p.readControl(in) }
	case wire.StreamFetch:
		h, err := take(in, func(b []byte) (wire.FetchHeader, int, error) { return wire.ParseFetchHeader(p.Version, b) })
		if err != nil {
			p.extra <- "a fetch stream without a header came: " + err.Error()
			return nil
		}
		s.Fetch = &h
		read = func() { s.readFetch(in) }
	default:
		h, err := take(in, func(b []byte) (wire.SubgroupHeader, int, error) { return wire.ParseSubgroupHeader(p.Version, b) })
		if err != nil {
			p.extra <- "a subgroup stream without a header came: " + err.Error()
			return nil
		}
		s.Subgroup = &h
		read = func() { s.readSubgroup(in) }
	}
	p.data <- s
	in.gate = p.gate
	return read
}

func (p *Peer) readControl(in *reader) {
	for {
		m, err := in.message(p.Version)
		p.said <- event{m, err}
		if err != nil {
			return
		}
	}
}

func (s *Stream) readSubgroup(in *reader) {
	var cursor wire.ObjectCursor
	h := s.Subgroup
	subgroup := h.Subgroup
	for first := true; ; first = false {
		o, err := take(in, func(b []byte) (wire.Object, int, error) {
			return wire.ParseSubgroupObject(s.peer.Version, &cursor, h.HasProperties, b)
		})
		if err != nil {
			s.items <- item{err: err}
			return
		}
		if h.Mode == wire.SubgroupFirstObject && first {
			subgroup = o.ID
		}
		got := &Object{
			Location: wire.Location{Group: h.Group, Object: o.ID}, Subgroup: subgroup, Priority: h.Priority,
			Status: o.Status, Properties: slices.Clone(o.Properties),
		}
		if !s.payload(in, got, o.PayloadLen) {
			return
		}
	}
}

func (s *Stream) readFetch(in *reader) {
	var cursor wire.FetchCursor
	cursor.Descending = s.peer.descends(s.Fetch.RequestID)
	for {
		o, err := take(in, func(b []byte) (wire.FetchObject, int, error) {
			return wire.ParseFetchObject(s.peer.Version, &cursor, b)
		})
		if err != nil {
			s.items <- item{err: err}
			return
		}
		got := &Object{
			Location: wire.Location{Group: o.Group, Object: o.ID}, Marker: o.Kind, Subgroup: o.Subgroup,
			Datagram: o.Datagram, Priority: wire.Some(o.Priority), Properties: slices.Clone(o.Properties),
		}
		if !s.payload(in, got, o.PayloadLen) {
			return
		}
	}
}

// payload completes an object; false means that the stream is over.
func (s *Stream) payload(in *reader, o *Object, n uint64) bool {
	b, err := in.bytes(n)
	o.Payload = slices.Clone(b)
	s.items <- item{o, err}
	return err == nil
}

// Stream takes the next data stream of the other side.
func (p *Peer) Stream() *Stream {
	p.t.Helper()
	return wait(p, p.data, "a data stream")
}

// Next takes the next object.
func (s *Stream) Next() *Object {
	s.peer.t.Helper()
	i := wait(s.peer, s.items, "an object")
	if i.err != nil {
		s.peer.t.Fatalf("%v ended with %q, want an object", s, i.err)
	}
	return i.object
}

// Rest takes all that is left of the stream, which must end with FIN.
func (s *Stream) Rest() []*Object {
	s.peer.t.Helper()
	all, err := s.Drain()
	if !errors.Is(err, io.EOF) {
		s.peer.t.Fatalf("%v ended with %q, want FIN", s, err)
	}
	return all
}

// Until takes all that is left of the stream, which must be reset with a code.
func (s *Stream) Until(code wire.ResetCode) []*Object {
	s.peer.t.Helper()
	all, err := s.Drain()
	var reset *transport.StreamError
	if !errors.As(err, &reset) || !reset.Remote || reset.Code != s.peer.Version.ResetNumber(code) {
		s.peer.t.Fatalf("%v ended with %q, want a reset with %v", s, err, code)
	}
	return all
}

// Drain takes all that is left of the stream and returns how it ended: io.EOF
// for FIN. An object that was cut short is left out.
func (s *Stream) Drain() ([]*Object, error) {
	s.peer.t.Helper()
	var all []*Object
	for {
		i := wait(s.peer, s.items, "the end of a stream")
		if i.err != nil {
			return all, i.err
		}
		all = append(all, i.object)
	}
}

// Quiet wants that nothing more came on the stream, and that it is open.
func (s *Stream) Quiet() {
	s.peer.t.Helper()
	s.peer.ExpectOpen()
	if len(s.items) > 0 {
		i := <-s.items
		s.peer.t.Fatalf("%v: got %+v %v, want nothing", s, i.object, i.err)
	}
}

// Stop asks the other side to stop sending.
func (s *Stream) Stop(code wire.ResetCode) { s.stream.Stop(s.peer.Version.ResetNumber(code)) }

// Locations writes where objects are, in order: "5/0 5/1". Markers have their
// name in front, other statuses than normal behind.
func Locations(all []*Object) string {
	var out []string
	for _, o := range all {
		text := o.Location.String()
		switch o.Marker {
		case wire.FetchItemObject:
		case wire.FetchItemEndNonExistent:
			text = "missing:" + text
		case wire.FetchItemEndUnknown:
			text = "unknown:" + text
		default:
			text = "timeout:" + text
		}
		switch o.Status {
		case wire.ObjectEndOfGroup:
			text += ":group-ends"
		case wire.ObjectEndOfTrack:
			text += ":track-ends"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// IsReset reports whether a stream ended by a reset of the other side.
func IsReset(err error) bool {
	var reset *transport.StreamError
	return errors.As(err, &reset) && reset.Remote
}

// Waiting is how many data streams came that were not taken by Stream.
func (p *Peer) Waiting() int { return len(p.data) }
