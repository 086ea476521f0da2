package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// rig is a scheduler and a peer that takes what it sends. It is used inside of
// synctest.Test.
type rig struct {
	*deliver.Scheduler
	t          *testing.T
	version    wire.Version
	counters   deliver.Counters
	peer       transport.Conn
	conn       transport.Conn
	unread     bool       // the peer reads no stream
	mu         sync.Mutex // guards what follows
	streams    []*arrived
	order      []string // what was begun, in the order of sending: streams and datagrams
	packets    []string
	resetCount int
}

// arrived is a stream as the peer sees it.
type arrived struct {
	stream  transport.ReceiveStream
	what    string // "group/subgroup", or "fetch ID"
	header  wire.SubgroupHeader
	objects []string
	bodies  map[string]string
	end     string // "FIN", the reset code, or "open"
}

func (a *arrived) String() string {
	return a.what + ": " + strings.Join(append(slices.Clone(a.objects), a.end), " ")
}

// recorder notes what is sent first on each stream.
type recorder struct {
	transport.Conn
	rig *rig
}

type recordedStream struct {
	transport.SendStream
	rig   *rig
	begun bool
}

func (c recorder) TryOpenUniStream() (transport.SendStream, error) {
	st, err := c.Conn.TryOpenUniStream()
	return &recordedStream{SendStream: st, rig: c.rig}, err
}

func (c recorder) SendDatagram(b []byte) error {
	d, _, err := wire.ParseDatagram(c.rig.version, b)
	if err != nil {
		return err
	}
	c.rig.note(fmt.Sprintf("datagram %d/%d", d.Group, d.ID))
	return c.Conn.SendDatagram(b)
}

func (s *recordedStream) Write(b []byte) (int, error) {
	s.begin(b)
	return s.SendStream.Write(b)
}

func (s *recordedStream) WriteReliable(b []byte) (bool, error) {
	s.begin(b)
	return s.SendStream.WriteReliable(b)
}

func (s *recordedStream) begin(b []byte) {
	if !s.begun {
		s.begun = true
		what, _, _ := begin(s.rig.version, b)
		s.rig.note(what)
	}
}

func (s *recordedStream) Reset(code uint64) {
	s.rig.mu.Lock()
	s.rig.resetCount++
	s.rig.mu.Unlock()
	s.SendStream.Reset(code)
}

// resets counts the streams that were given up.
func (r *rig) resets() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resetCount
}

func (r *rig) note(what string) {
	r.mu.Lock()
	r.order = append(r.order, what)
	r.mu.Unlock()
}

// begin names a stream by its header, which takes n bytes.
func begin(v wire.Version, b []byte) (what string, h wire.SubgroupHeader, n int) {
	if h, n, err := wire.ParseFetchHeader(v, b); err == nil {
		return fmt.Sprintf("fetch %d", h.RequestID), wire.SubgroupHeader{}, n
	}
	h, n, err := wire.ParseSubgroupHeader(v, b)
	if err != nil {
		return "?", h, 0
	}
	return fmt.Sprintf("%d/%d", h.Group, h.Subgroup), h, n
}

// newRig makes a scheduler of a draft; start has it work.
func newRig(t *testing.T, v wire.Version) *rig {
	a, b := transport.MemoryPair(v.String())
	r := &rig{t: t, version: v, peer: b, conn: a}
	r.Scheduler = deliver.New(recorder{a, r}, v, deliver.Config{Counters: &r.counters})
	return r
}

func (r *rig) start() {
	ctx, cancel := context.WithCancel(r.t.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() { _ = r.Run(ctx) })
	tasks.Go(func() {
		for {
			st, err := r.peer.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			x := &arrived{stream: st, end: "open", bodies: map[string]string{}}
			r.mu.Lock()
			r.streams = append(r.streams, x)
			r.mu.Unlock()
			if !r.unread {
				tasks.Go(func() { r.read(x) })
			}
		}
	})
	tasks.Go(func() {
		for {
			b, err := r.peer.ReceiveDatagram(ctx)
			if err != nil {
				return
			}
			d, _, _ := wire.ParseDatagram(r.version, b)
			r.mu.Lock()
			r.packets = append(r.packets, fmt.Sprintf("%d/%d", d.Group, d.ID))
			r.mu.Unlock()
		}
	})
	r.t.Cleanup(func() {
		cancel()
		_ = r.conn.CloseWithError(0, "")
		tasks.Wait()
	})
}

// read takes in a stream to its end.
func (r *rig) read(x *arrived) {
	var b []byte
	buffer := make([]byte, 4<<10)
	var objects wire.ObjectCursor
	var items wire.FetchCursor
	for {
		n, err := x.stream.Read(buffer)
		r.mu.Lock()
		b = append(b, buffer[:n]...)
		for x.take(r.version, &b, &objects, &items) {
		}
		var reset *transport.StreamError
		switch {
		case err == io.EOF && len(b) == 0:
			x.end = "FIN"
		case errors.As(err, &reset):
			x.end = r.version.ResetCode(reset.Code).String()
		case err != nil:
			x.end = err.Error()
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take parses one item; false when it is not there in whole.
func (x *arrived) take(v wire.Version, b *[]byte, objects *wire.ObjectCursor, items *wire.FetchCursor) bool {
	if x.what == "" {
		what, h, n := begin(v, *b)
		if n == 0 {
			return false
		}
		x.what, x.header, *b = what, h, (*b)[n:]
		return true
	}
	var label string
	var n int
	var size uint64
	var err error
	if strings.HasPrefix(x.what, "fetch") {
		c := *items
		var o wire.FetchObject
		o, n, err = wire.ParseFetchObject(v, &c, *b)
		label, size = map[wire.FetchItem]string{wire.FetchItemEndUnknown: "?", wire.FetchItemEndTimedOut: "-"}[o.Kind]+fmt.Sprintf("%d/%d", o.Group, o.ID), o.PayloadLen
		if err == nil && uint64(len(*b)-n) >= size {
			*items = c
		}
	} else {
		c := *objects
		var o wire.Object
		o, n, err = wire.ParseSubgroupObject(v, &c, x.header.HasProperties, *b)
		label, size = fmt.Sprint(o.ID), o.PayloadLen
		if err == nil && uint64(len(*b)-n) >= size {
			*objects = c
		}
	}
	if err != nil || len(*b) == 0 || uint64(len(*b)-n) < size {
		return false
	}
	x.bodies[label] = string((*b)[n : n+int(size)])
	*b = (*b)[n+int(size):]
	x.objects = append(x.objects, label)
	return true
}

// now returns the streams so far, in the order of their beginning.
func (r *rig) now() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, x := range r.streams {
		out = append(out, x.String())
	}
	return out
}

// expect checks the streams so far.
func (r *rig) expect(when string, want ...string) {
	r.t.Helper()
	if got := r.now(); !slices.Equal(got, want) {
		r.t.Errorf("%s:\n got %q\nwant %q", when, got, want)
	}
}

// expectOrder checks what was begun, in order.
func (r *rig) expectOrder(want ...string) {
	r.t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.order, want) {
		r.t.Errorf("sent in the order\n got %q\nwant %q", r.order, want)
	}
}

// virtual runs a test of a draft in virtual time.
func virtual(t *testing.T, v wire.Version, f func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newRig(t, v)) })
}

var name = wire.FullTrackName{Namespace: wire.Namespace{"n"}, Name: "t"}

func at(g, o uint64) wire.Location { return wire.Location{Group: g, Object: o} }

func newTrack(kvs ...wire.KeyValue) *live.Track {
	return live.NewTrack(name, live.Options{RetainGroups: 100, Properties: wire.AppendProperties(nil, kvs...)})
}

// open opens a subgroup with priority 128.
func open(t *testing.T, track *live.Track, group, id uint64) *live.SubgroupWriter {
	t.Helper()
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, ID: id, Priority: 128, FirstObject: true})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// put appends objects whose payload is their ID, and closes when the last one is fin.
func put(t *testing.T, w *live.SubgroupWriter, ids ...int) {
	t.Helper()
	for _, id := range ids {
		var err error
		if id == fin {
			err = w.Close()
		} else {
			err = w.Append(live.WholeObject{ID: uint64(id), Payload: fmt.Append(nil, id)})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const fin = -1

func packet(t *testing.T, track *live.Track, group, id uint64) {
	t.Helper()
	if err := track.AppendDatagram(wire.Datagram{Group: group, ID: id, Payload: []byte("d")}); err != nil {
		t.Fatal(err)
	}
}
