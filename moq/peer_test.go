package moq_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// TestSilentPeer: a peer that never sends SETUP is closed.
func TestSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transport.MemoryPair("moqt-18")
		_, err := moq.NewSession(t.Context(), b, moq.Config{SetupTimeout: 3 * time.Second})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != wire.SessionControlMessageTimeout {
			t.Errorf("got %v, want CONTROL_MESSAGE_TIMEOUT", err)
		}
		<-a.Context().Done()
		var closed *transport.CloseError
		if !errors.As(context.Cause(a.Context()), &closed) || closed.Code != uint64(wire.SessionControlMessageTimeout) {
			t.Errorf("the peer sees %v, want CONTROL_MESSAGE_TIMEOUT", context.Cause(a.Context()))
		}
	})
}

// TestBadPeer sends bytes that no peer may send, and expects the session to be
// closed with the code that the draft wants.
func TestBadPeer(t *testing.T) {
	setup, _ := wire.AppendMessage(nil, wire.Draft18, &wire.Setup{})
	message := func(m wire.Message) string {
		b, err := wire.AppendMessage(nil, wire.Draft18, m)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	subscribe := message(&wire.Subscribe{RequestID: 0, Track: clock})
	tests := []struct {
		name    string
		control string // after SETUP
		uni     string
		request string
		fin     bool
		want    wire.SessionError
	}{
		{name: "unknown stream type", uni: "\x09\x00", want: wire.SessionProtocolViolation},
		{name: "unknown message on the control stream", control: "\x3f\x00\x00", want: wire.SessionProtocolViolation},
		{name: "request on the control stream", control: subscribe, want: wire.SessionProtocolViolation},
		{name: "second control stream", uni: string(setup), want: wire.SessionProtocolViolation},
		{name: "two GOAWAYs", control: message(&wire.Goaway{RequestID: wire.Some(uint64(1))}) + message(&wire.Goaway{RequestID: wire.Some(uint64(1))}), want: wire.SessionProtocolViolation},
		{name: "GOAWAY with a URI from a client", control: message(&wire.Goaway{URI: "moqt://x", RequestID: wire.Some(uint64(1))}), want: wire.SessionProtocolViolation},
		{name: "request ID of the wrong parity", request: message(&wire.Subscribe{RequestID: 1, Track: clock}), want: wire.SessionInvalidRequestID},
		{name: "request ID far ahead", request: message(&wire.Subscribe{RequestID: 1 << 40, Track: clock}), want: wire.SessionInvalidRequestID},
		{name: "answer without a request", request: message(&wire.RequestOK{}), want: wire.SessionProtocolViolation},
		{name: "garbage instead of a request", request: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", want: wire.SessionProtocolViolation},
		{name: "request cut short", request: subscribe[:len(subscribe)-2], fin: true, want: wire.SessionProtocolViolation},
		{name: "second request on a stream", request: subscribe + message(&wire.Subscribe{RequestID: 2, Track: clock}), want: wire.SessionProtocolViolation},
		{name: "token alias registered without room", request: message(&wire.Subscribe{RequestID: 0, Track: clock, Params: wire.Parameters{AuthTokens: []wire.Token{{AliasType: wire.TokenRegister, Alias: 1, Value: []byte("x")}}}}), want: wire.SessionAuthTokenCacheOverflow},
		{name: "PUBLISH_DONE for a SUBSCRIBE", request: subscribe + message(&wire.PublishDone{}), want: wire.SessionProtocolViolation},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			origin := moq.NewOrigin()
			origin.AddTrack(live.NewTrack(clock, live.Options{}))
			peer, b := transport.MemoryPair("moqt-18")
			serve := make(chan *moq.Session, 1)
			go func() {
				s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: origin})
				if err != nil {
					t.Log(err)
				}
				serve <- s
			}()
			control, err := peer.OpenUniStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(t, control, string(setup)+x.control)
			if x.uni != "" {
				s, err := peer.OpenUniStream(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				write(t, s, x.uni)
			}
			if x.request != "" {
				s, err := peer.OpenStream(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				write(t, s, x.request)
				if x.fin {
					s.Close()
				}
			}
			select {
			case <-peer.Context().Done():
			case <-time.After(10 * time.Second):
				t.Fatalf("the session lives after %s%s%s", hex.EncodeToString([]byte(x.control)), hex.EncodeToString([]byte(x.uni)), hex.EncodeToString([]byte(x.request)))
			}
			var closed *transport.CloseError
			if !errors.As(context.Cause(peer.Context()), &closed) || wire.SessionError(closed.Code) != x.want {
				t.Errorf("closed with %v, want %s", context.Cause(peer.Context()), x.want)
			}
			if s := <-serve; s != nil {
				s.Wait()
			}
		})
	}
}

func write(t *testing.T, s transport.SendStream, b string) {
	t.Helper()
	if _, err := s.Write([]byte(b)); err != nil {
		t.Log(err) // the other side may have closed the session already
	}
}

// TestHugeObject: an object beyond the limit ends its subscription, with words;
// another subscription of the session goes on.
func TestHugeObject(t *testing.T) { eachDraft(t, testHugeObject) }

func testHugeObject(t *testing.T) {
	origin := moq.NewOrigin()
	huge, other := live.NewTrack(clock, live.Options{}), live.NewTrack(wire.FullTrackName{Namespace: clock.Namespace, Name: "other"}, live.Options{})
	origin.AddTrack(huge)
	origin.AddTrack(other)
	client, _ := pair(t, moq.Config{MaxObjectSize: 16 << 20}, moq.Config{Handler: origin})
	a, err := client.Subscribe(t.Context(), huge.Name(), moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := client.Subscribe(t.Context(), other.Name(), moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := huge.OpenSubgroup(live.SubgroupInfo{Group: 0, Priority: 128})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Begin(live.ObjectHeader{Size: 16<<20 + 1}); err != nil {
		t.Fatal(err)
	}
	<-a.Done()
	if d := a.Result(); !strings.Contains(d.Reason, "16777217") {
		t.Errorf("the reason %q does not name the size", d.Reason)
	}
	r := b.Track().NewReader(wire.Location{})
	defer r.Close()
	group(t, other, 0, 1)
	expect(t, r, "0/0")
	w.Abort(0)
}

// stuckConn is a connection whose user stops to accept streams.
type stuckConn struct {
	transport.Conn
	left atomic.Int32
}

func (c *stuckConn) AcceptUniStream(ctx context.Context) (transport.ReceiveStream, error) {
	if c.left.Add(-1) < 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return c.Conn.AcceptUniStream(ctx)
}

// TestStuckSubscriber: one subscriber takes nothing. The other gets every
// object at once, and what is kept for the first stays bounded.
func TestStuckSubscriber(t *testing.T) { eachDraft(t, testStuckSubscriber) }

func testStuckSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := moq.NewOrigin()
		track := live.NewTrack(clock, live.Options{})
		origin.AddTrack(track)
		var counters deliver.Counters
		config := moq.Config{Handler: origin, Deliver: deliver.Config{MaxLag: time.Second, Counters: &counters}}
		var sessions []*moq.Session
		connect := func(wrap func(transport.Conn) transport.Conn) *moq.Session {
			a, b := transport.MemoryPair(draftOf(t).String())
			accepted := make(chan *moq.Session)
			go func() {
				s, err := moq.NewSession(t.Context(), b, config)
				if err != nil {
					t.Error(err)
				}
				accepted <- s
			}()
			s, err := moq.NewSession(t.Context(), wrap(a), moq.Config{})
			if err != nil {
				t.Fatal(err)
			}
			sessions = append(sessions, s, <-accepted)
			return s
		}
		good := connect(func(c transport.Conn) transport.Conn { return c })
		stuck := connect(func(c transport.Conn) transport.Conn {
			x := &stuckConn{Conn: c}
			x.left.Store(1) // the control stream
			return x
		})
		if _, err := stuck.Subscribe(t.Context(), clock, moq.SubscribeOptions{}); err != nil {
			t.Fatal(err)
		}
		sub, err := good.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		for g := range uint64(40) {
			w, err := track.OpenSubgroup(live.SubgroupInfo{Group: g, Priority: 128, FirstObject: true})
			if err != nil {
				t.Fatal(err)
			}
			for id := range uint64(10) {
				if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 100_000)}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond)
				o, err := r.Next(t.Context())
				if err != nil || o.Location() != (wire.Location{Group: g, Object: id}) || time.Since(o.Arrived) > 25*time.Millisecond {
					t.Fatalf("the good subscriber got %v %v, want %d/%d at once", o, err, g, id)
				}
			}
			w.Close()
		}
		synctest.Wait()
		if counters.GroupsSkipped() == 0 {
			t.Error("the stuck subscriber skipped nothing")
		}
		for _, s := range sessions {
			s.Close(wire.SessionNoError, "")
		}
		for _, s := range sessions {
			s.Wait()
		}
	})
}
