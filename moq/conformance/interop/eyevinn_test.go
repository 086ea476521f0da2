package interop

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/Eyevinn/moqtransport"

	"moqedge/moq"
	"moqedge/moq/conformance/interop/pattern"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// The peer of this file is github.com/Eyevinn/moqtransport v0.9.0 on draft 16.

// both runs a test over both transports, with our other side on another draft too.
func both(t *testing.T, test func(t *testing.T, n *node, kind transport.Kind, ours wire.Version)) {
	for _, c := range []struct {
		kind transport.Kind
		ours wire.Version
	}{
		{transport.KindQUIC, wire.Draft16}, {transport.KindQUIC, wire.Draft18},
		{transport.KindWebTransport, wire.Draft16}, {transport.KindWebTransport, wire.Draft22},
	} {
		t.Run(fmt.Sprintf("%s, ours on %s", c.kind, c.ours), func(t *testing.T) { test(t, startRelay(t), c.kind, c.ours) })
	}
}

// TestEyevinnSubscribes: what we publish arrives at their subscriber.
func TestEyevinnSubscribes(t *testing.T) {
	both(t, func(t *testing.T, n *node, kind transport.Kind, ours wire.Version) {
		n.publish(t, ours, "ours")
		peer := dialEyevinn(t, n, kind, new(moqtransport.Session))
		for _, p := range []pattern.Track{pattern.Plain, pattern.Gaps} {
			track, err := peer.Subscribe(t.Context(), []string{"interop", "ours"}, string(p))
			if err != nil {
				t.Fatal(err)
			}
			size := len(p.Group(0))
			for group, objects := range collect(t, track, wholeGroups(size)) {
				if len(objects) < size {
					continue // the subscription began or ended within it
				}
				for _, want := range p.Group(group) {
					got := objects[want.ID]
					if string(got.payload) != string(want.Payload) {
						t.Errorf("%s %d/%d: payload %.40q, want %.40q", p, group, want.ID, got.payload, want.Payload)
					}
					if got.subgroup != want.Subgroup {
						t.Errorf("%s %d/%d: subgroup %d, want %d", p, group, want.ID, got.subgroup, want.Subgroup)
					}
					checkHeaders(t, got.headers, want)
				}
			}
			if err := track.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// checkHeaders: their reader takes the types of draft 16, which are deltas
// (moqt-16 §1.4.2), for the types themselves, so the second one, 0x79, comes
// out as 1.
func checkHeaders(t *testing.T, got moqtransport.KVPList, o pattern.Object) {
	t.Helper()
	want := headers(o)
	if len(got) != len(want) {
		t.Errorf("%d/%d: headers %v, want %v", o.Group, o.ID, got, want)
		return
	}
	for i := range want {
		misread := want[i].Type
		if i > 0 {
			misread -= want[i-1].Type
		}
		if got[i].Type != misread || got[i].ValueVarInt != want[i].ValueVarInt || string(got[i].ValueBytes) != string(want[i].ValueBytes) {
			t.Errorf("%d/%d: header %d is %v; want %v, or that their fault is mended: see INTEROP.md", o.Group, o.ID, i, got[i], want[i])
		}
	}
}

// TestEyevinnDatagrams: their reader knows the datagrams of draft 14. With
// DEFAULT_PRIORITY (0x08, moqt-16 §10.3.1) it takes the payload's first byte for
// the priority. A datagram that is there before the answer, which network and relay
// are free to do, ends their session: the first one comes after it.
func TestEyevinnDatagrams(t *testing.T) {
	both(t, func(t *testing.T, n *node, kind transport.Kind, ours wire.Version) {
		begin := n.offer(t, ours, "ours")
		peer := dialEyevinn(t, n, kind, new(moqtransport.Session))
		track, err := peer.Subscribe(t.Context(), []string{"interop", "ours"}, string(pattern.Datagrams))
		if err != nil {
			t.Fatal(err)
		}
		begin()
		all := collect(t, track, func(all map[uint64]map[uint64]received) bool {
			for _, objects := range all {
				if _, found := objects[1]; found {
					return true
				}
			}
			return false
		})
		for group, objects := range all {
			got, found := objects[1]
			if want := pattern.Datagrams.Group(group)[1].Payload; found && string(got.payload) != string(want[1:]) {
				t.Errorf("%d/1: payload %q; want %q, or that their fault is mended: see INTEROP.md", group, got.payload, want[1:])
			}
		}
	})
}

// TestEyevinnPublishes: what they publish arrives at our subscriber. Each track
// has a session of its own, as their side ends with our first FETCH: see
// TestEyevinnIsFetchedFrom.
func TestEyevinnPublishes(t *testing.T) {
	both(t, func(t *testing.T, n *node, kind transport.Kind, ours wire.Version) {
		for p, allow := range map[pattern.Track]pattern.Allow{
			pattern.Plain:     {},
			pattern.Datagrams: {Priority: true}, // their API has none
			// They write the types of properties as they are instead of deltas
			// (moqt-16 §1.4.2): 0x79 after 0x78 says 0xF1.
			pattern.Gaps: {Properties: true},
		} {
			servePattern(t, n, kind, "their-"+string(p))
			n.receive(t, ours, "their-"+string(p), p, allow)
		}
	})
}

// TestEyevinnProperties: what becomes of the properties that they publish.
func TestEyevinnProperties(t *testing.T) {
	n := startRelay(t)
	servePattern(t, n, transport.KindQUIC, "theirs")
	s := n.connect(t, wire.Draft18, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	sub, err := s.Subscribe(ctx, name("theirs", pattern.Gaps), moq.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	for {
		o, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if o.ID != 5 {
			continue
		}
		number, _ := o.Properties.Uint(0x78)
		text, _ := o.Properties.Bytes(0x78 + 0x79)
		if number != o.Group*1000+5 || string(text) != "p"+strconv.FormatUint(o.Group, 10) {
			t.Errorf("properties %x; want 0x78 and their 0xF1, or that their fault is mended: see INTEROP.md", []byte(o.Properties))
		}
		return
	}
}

// servePattern publishes the pattern by a session of theirs.
func servePattern(t *testing.T, n *node, kind transport.Kind, namespace string) *eyevinn {
	t.Helper()
	stop := make(chan struct{})
	var sending sync.WaitGroup
	peer := dialEyevinn(t, n, kind, &moqtransport.Session{
		SubscribeHandler: moqtransport.SubscribeHandlerFunc(func(w *moqtransport.SubscribeResponseWriter, m *moqtransport.SubscribeMessage) {
			if !pattern.Track(m.Track).Valid() {
				return // their library then refuses
			}
			if err := w.Accept(); err != nil {
				t.Error(err)
				return
			}
			// It ends with an error when nobody listens any longer.
			sending.Go(func() { _ = pump(w, pattern.Track(m.Track), stop) })
		}),
	})
	t.Cleanup(func() {
		close(stop)
		sending.Wait()
	})
	if err := peer.Announce(t.Context(), []string{"interop", namespace}); err != nil {
		t.Fatal(err)
	}
	return peer
}

// TestEyevinnFetches: on draft 16 they write FETCH as draft 14 had it, with
// priority and order in front (moqt-16 §9.16), so its type is read as 0.
func TestEyevinnFetches(t *testing.T) {
	both(t, func(t *testing.T, n *node, kind transport.Kind, ours wire.Version) {
		n.publish(t, ours, "ours")
		peer := dialEyevinn(t, n, kind, new(moqtransport.Session))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := peer.Fetch(ctx, []string{"interop", "ours"}, "plain", moqtransport.WithFetchEndLocation(moqtransport.Location{Group: 1}))
		if err == nil {
			t.Fatal("it works now, contrary to INTEROP.md")
		}
		if ended := peer.ended(ctx); ended == nil || !strings.Contains(ended.Error(), "fetch type 0 does not exist") {
			t.Errorf("the session ended with %v", ended)
		}
		// Type, length; request ID, then priority and order, then the type 1.
		if sent := hex.EncodeToString(peer.control()); !strings.HasSuffix(sent, "16001d"+"00"+"0000"+"01"+"0207696e7465726f70046f757273"+"05706c61696e"+"0000"+"0100"+"00"+"17000100") {
			t.Errorf("it sent %s", sent)
		}
	})
}

// TestEyevinnIsFetchedFrom: they read FETCH as draft 14 had it too. Our relay
// joins the track by a FETCH, which ends their reading of the control stream
// without a word; what they send on other streams goes on.
func TestEyevinnIsFetchedFrom(t *testing.T) {
	n := startRelay(t)
	peer := servePattern(t, n, transport.KindQUIC, "theirs")
	n.receive(t, wire.Draft18, "theirs", pattern.Plain, pattern.Allow{})
	if got := hex.EncodeToString(peer.heard()); !strings.Contains(got, "160005"+"03"+"02"+"0100"+"00") {
		t.Errorf("no joining FETCH of request 3 for 1 in %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := peer.Announce(ctx, []string{"interop", "another"}); err == nil || ctx.Err() != nil {
		t.Errorf("got %v; want the end of the session, or that their fault is mended: see INTEROP.md", err)
	}
}

// TestEyevinnListsNamespaces: they send SUBSCRIBE_NAMESPACE on the control
// stream, as draft 14 had it; draft 16 has a stream for each (moqt-16 §9.25).
func TestEyevinnListsNamespaces(t *testing.T) {
	both(t, func(t *testing.T, n *node, kind transport.Kind, ours wire.Version) {
		n.publish(t, ours, "ours")
		peer := dialEyevinn(t, n, kind, new(moqtransport.Session))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		result := make(chan error, 1)
		go func() { result <- peer.SubscribeAnnouncements(ctx, []string{"interop"}) }()
		if ended := peer.ended(ctx); ended == nil || !strings.Contains(ended.Error(), "SUBSCRIBE_NAMESPACE") {
			t.Errorf("the session ended with %v", ended)
		}
		cancel() // it does not notice that the session is over
		if err := <-result; err == nil {
			t.Fatal("it works now, contrary to INTEROP.md")
		}
		if sent := hex.EncodeToString(peer.control()); !strings.HasSuffix(sent, "11000b"+"00"+"0107696e7465726f70"+"00") {
			t.Errorf("it sent %s", sent)
		}
	})
}
