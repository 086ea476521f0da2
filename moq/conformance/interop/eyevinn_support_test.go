package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/Eyevinn/moqtransport"
	"github.com/Eyevinn/moqtransport/quicmoq"
	"github.com/Eyevinn/moqtransport/webtransportmoq"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"moqedge/moq/conformance/interop/pattern"
	"moqedge/moq/transport"
)

// recorder keeps what a peer's control stream carried.
type recorder struct {
	moqtransport.Connection
	mu             sync.Mutex
	sent, received []byte // on the control stream
}

func (r *recorder) OpenStreamSync(ctx context.Context) (moqtransport.Stream, error) {
	s, err := r.Connection.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	return &recordedStream{s, r}, nil
}

// ended waits for the end of the connection and returns what ended it.
func (r *recorder) ended(ctx context.Context) error {
	select {
	case <-r.Connection.Context().Done():
	case <-ctx.Done():
		return errors.New("the connection has not ended")
	}
	_, err := r.Connection.OpenUniStreamSync(ctx)
	return err
}

// control returns what the peer has written to the control stream.
func (r *recorder) control() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.sent)
}

// heard returns what the peer has read from the control stream.
func (r *recorder) heard() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.received)
}

type recordedStream struct {
	moqtransport.Stream
	recorder *recorder
}

func (s *recordedStream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	s.recorder.received = append(s.recorder.received, b[:n]...)
	return n, err
}

func (s *recordedStream) Write(b []byte) (int, error) {
	s.recorder.mu.Lock()
	s.recorder.sent = append(s.recorder.sent, b...)
	s.recorder.mu.Unlock()
	return s.Stream.Write(b)
}

// eyevinn is a session of their implementation with our relay.
type eyevinn struct {
	*moqtransport.Session
	*recorder
}

const alpn16 = "moqt-16"

// dialEyevinn connects their client to the relay. Whoever publishes sets the
// handlers in session.
func dialEyevinn(t *testing.T, n *node, kind transport.Kind, session *moqtransport.Session) *eyevinn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	security := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpn16}}
	config := &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}
	var conn moqtransport.Connection
	if kind == transport.KindQUIC {
		c, err := quic.DialAddr(ctx, n.addr, security, config)
		if err != nil {
			t.Fatal(err)
		}
		conn = quicmoq.NewClient(c)
	} else {
		security.NextProtos = []string{http3.NextProtoH3}
		d := &webtransport.Transport{TLSClientConfig: security, QUICConfig: config, ApplicationProtocols: []string{alpn16}}
		_, s, err := d.Dial(ctx, "https://"+n.addr+"/interop", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		conn = webtransportmoq.NewClient(s)
	}
	session.InitialMaxRequestID = 100
	session.Protocols = []string{alpn16}
	if session.Handler == nil {
		session.Handler = moqtransport.HandlerFunc(func(moqtransport.ResponseWriter, *moqtransport.Message) {})
	}
	r := &recorder{Connection: conn}
	if err := session.RunContext(ctx, r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return &eyevinn{session, r}
}

// received is an object that their subscriber gave us.
type received struct {
	subgroup uint64
	headers  moqtransport.KVPList
	payload  []byte
}

// collect reads until a predicate of what came is true.
func collect(t *testing.T, track *moqtransport.RemoteTrack, enough func(map[uint64]map[uint64]received) bool) map[uint64]map[uint64]received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all := make(map[uint64]map[uint64]received)
	for !enough(all) {
		o, err := track.ReadObject(ctx)
		if err != nil {
			t.Fatalf("after %d groups: %v", len(all), err)
		}
		if all[o.GroupID] == nil {
			all[o.GroupID] = make(map[uint64]received)
		}
		all[o.GroupID][o.ObjectID] = received{o.SubGroupID, o.ExtensionHeaders, o.Payload}
	}
	return all
}

// wholeGroups waits for three groups with so many objects each.
func wholeGroups(size int) func(map[uint64]map[uint64]received) bool {
	return func(all map[uint64]map[uint64]received) bool {
		whole := 0
		for _, objects := range all {
			if len(objects) >= size {
				whole++
			}
		}
		return whole >= 3
	}
}

// headers are the properties of an object of the pattern as their API has them.
func headers(p pattern.Object) moqtransport.KVPList {
	if len(p.Properties) == 0 {
		return nil
	}
	return moqtransport.KVPList{
		{Type: 0x78, ValueVarInt: p.Group*1000 + p.ID},
		{Type: 0x79, ValueBytes: []byte("p" + strconv.FormatUint(p.Group, 10))},
	}
}

// pump sends groups of a track to a subscriber until it is gone.
func pump(w *moqtransport.SubscribeResponseWriter, p pattern.Track, stop <-chan struct{}) error {
	for group := uint64(0); ; group++ {
		objects := p.Group(group)
		last := objects[len(objects)-1].Subgroup
		for i := 0; i < len(objects); {
			o := objects[i]
			end := i + slices.IndexFunc(append(objects[i:len(objects):len(objects)], pattern.Object{Subgroup: 1 << 60}), func(v pattern.Object) bool { return v.Subgroup != o.Subgroup })
			if err := send(w, p, objects[i:end], o.Subgroup == last); err != nil {
				return err
			}
			i = end
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-stop:
			return nil
		}
	}
}

// send sends the objects of one subgroup.
func send(w *moqtransport.SubscribeResponseWriter, p pattern.Track, objects []pattern.Object, endsGroup bool) error {
	if p == pattern.Datagrams {
		for _, o := range objects {
			if err := w.SendDatagram(moqtransport.Object{GroupID: o.Group, ObjectID: o.ID, Payload: o.Payload}); err != nil {
				return err
			}
		}
		return nil
	}
	var how []moqtransport.SubgroupOption
	if endsGroup {
		how = append(how, moqtransport.WithEndOfGroup())
	}
	s, err := w.OpenSubgroup(objects[0].Group, objects[0].Subgroup, objects[0].Priority, how...)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if _, err := s.WriteObjectWithHeaders(o.ID, headers(o), o.Payload); err != nil {
			return err
		}
	}
	return s.Close()
}
