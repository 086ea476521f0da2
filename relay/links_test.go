package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	raw "moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// publishAt has a relay of a mesh get a track from a publisher that announces its
// namespace, until the returned function is called.
func (m *mesh) publishAt(at int, name wire.FullTrackName) (stop func()) {
	m.t.Helper()
	source := moq.NewOrigin()
	track := live.NewTrack(name, live.Options{})
	source.AddTrack(track)
	s := m.client(m.nodes[at], source)
	if _, err := s.PublishNamespace(context.Background(), name.Namespace); err != nil {
		m.t.Fatal(err)
	}
	w, err := track.OpenSubgroup(live.SubgroupInfo{Priority: 128})
	if err != nil {
		m.t.Fatal(err)
	}
	if err := w.Append(live.WholeObject{Payload: []byte(nameOf(at))}); err != nil {
		m.t.Fatal(err)
	}
	return func() { closeSession(s) }
}

// first subscribes at a relay and returns the payload of the first object.
func (m *mesh) first(at int, name wire.FullTrackName) (string, error) {
	m.t.Helper()
	s := m.client(m.nodes[at], nil)
	defer closeSession(s)
	sub, err := s.Subscribe(m.t.Context(), name, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		return "", err
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Second)
	defer cancel()
	o, err := r.Next(ctx)
	if err != nil {
		return "", err
	}
	return string(o.Payload()), nil
}

func trackIn(fields ...string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: fields, Name: "video"}
}

// TestPrefixes: an upstream is asked for what lies below its prefixes, which end
// between fields, and tells of that alone.
func TestPrefixes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 1}}
		m := newMesh(t, 3, edges, func(i int, c *relay.Config) {
			defaults(i, c)
			if i == 0 {
				c.Upstreams[0].Prefixes = []wire.Namespace{{"tv"}, {"tv", "news"}, {"radio", "one"}}
			}
		})
		names := []wire.FullTrackName{trackIn("tv", "news"), trackIn("tvx"), trackIn("radio", "one", "x"), trackIn("radio", "two")}
		for _, name := range names {
			for _, at := range []int{1, 2} {
				defer m.publishAt(at, name)()
			}
		}
		time.Sleep(2 * time.Second)
		for i, want := range []string{"b", "c", "b", "c"} {
			if got, err := m.first(0, names[i]); err != nil || got != want {
				t.Errorf("%s comes from %q, %v, want %s", names[i], got, err, want)
			}
		}
		told := map[string][]string{}
		for _, r := range m.nodes[0].Routes(nil, 0) {
			told[r.Namespace] = append(told[r.Namespace], r.Via)
		}
		for _, name := range names {
			both := name.Namespace[0] == "tv" || name.Namespace.HasPrefix(wire.Namespace{"radio", "one"})
			if got := slices.Contains(told[name.Namespace.String()], "b"); got != both {
				t.Errorf("%s is told by b: %v, want %v", name, got, both)
			}
		}
	})
}

// TestPriorities: of upstreams that are asked for everything the one with the
// lowest number is asked, as long as it can be reached, whatever the costs.
func TestPriorities(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 100}}
		m := newMesh(t, 3, edges, func(i int, c *relay.Config) {
			defaults(i, c)
			if i == 0 {
				c.Upstreams[0].Priority = 1
			}
		})
		for _, at := range []int{1, 2} {
			for _, name := range []string{"0", "1", "2"} { // relays keep what they had
				defer m.publishAt(at, trackIn(name))()
			}
		}
		time.Sleep(2 * time.Second)
		for i, want := range []string{"c", "b", "c"} {
			edges[1].cut(i == 1)
			settle()
			if got, err := m.first(0, trackIn(fmt.Sprint(i))); err != nil || got != want {
				t.Errorf("step %d: from %q, %v, want %s", i, got, err, want)
			}
			time.Sleep(8 * time.Second)
		}
	})
}

// TestOnDemand: an upstream that is not kept is connected when a track is asked
// for, given up some time after the last use, and asked for again; one that
// cannot be reached is said to be so.
func TestOnDemand(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 0, to: 1, cost: 1}}
		m := newMesh(t, 2, edges, func(i int, c *relay.Config) {
			defaults(i, c)
			for j := range c.Upstreams {
				c.Upstreams[j].OnDemand = true
			}
		})
		defer m.publishAt(1, trackIn("x"))()
		time.Sleep(5 * time.Second)
		state := func() relay.LinkStatus { return m.nodes[0].Links()[0] }
		if s := state(); s.State != "idle" || m.nodes[1].Stats().Sessions != 1 {
			t.Fatalf("before: %+v", s)
		}
		for range 2 {
			if got, err := m.first(0, trackIn("x")); err != nil || got != "b" {
				t.Fatalf("from %q, %v", got, err)
			}
			if s := state(); s.State != "connected" || s.ID != "b" || s.RTT == 0 || s.Namespaces != 0 || s.Draft == "" {
				t.Errorf("in use: %+v", s)
			}
			time.Sleep(10 * time.Second) // the track lingers for a second, then the link
			if s := state(); s.State != "idle" || m.nodes[1].Stats().Sessions != 1 {
				t.Errorf("after use: %+v", s)
			}
		}
		edges[0].cut(true)
		begun := time.Now()
		_, err := m.first(0, trackIn("x"))
		if !isRequestError(err, &moq.RequestError{Code: wire.RequestDoesNotExist}) || time.Since(begun) > 3*time.Second {
			t.Errorf("unreachable: %v after %v", err, time.Since(begun))
		}
		time.Sleep(2 * time.Second)
		if s := state(); s.Error == "" {
			t.Errorf("unreachable: %+v", s)
		}
		time.Sleep(20 * time.Second)
		if s := state(); s.State != "idle" {
			t.Errorf("attempts go on that nobody needs: %+v", s)
		}
		edges[0].cut(false)
		if got, err := m.first(0, trackIn("x")); err != nil || got != "b" {
			t.Errorf("reachable again: %q, %v", got, err)
		}
	})
}

// TestBackoff: attempts to reach an upstream become more seldom, up to one in
// 10 s, and not at the same times for all.
func TestBackoff(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var attempts [2][]time.Time
		for i := range attempts {
			r := relay.New(relay.Config{Logger: quiet(), Upstreams: []relay.Upstream{{
				URL: "moqt://nowhere.example:4443",
				Refresh: func(context.Context, *transport.DialConfig) error {
					attempts[i] = append(attempts[i], time.Now())
					return errors.New("not today")
				},
			}}})
			defer r.Close()
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		for _, x := range attempts {
			longest := time.Duration(0)
			for i := range x[1:] {
				longest = max(longest, x[i+1].Sub(x[i]))
			}
			if x[1].Sub(x[0]) > 100*time.Millisecond || longest > 10*time.Second || longest < 5*time.Second {
				t.Errorf("first pause %v, longest %v", x[1].Sub(x[0]), longest)
			}
		}
		if slices.Equal(attempts[0], attempts[1]) {
			t.Error("two relays try at the same times")
		}
	})
}

// TestFoundSoonEachTime: an upstream that is restarted again and again is found as
// soon as it is back each time, when it served for some seconds in between.
func TestFoundSoonEachTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, 1)
		defer w.close()
		upstream := w.add("upstream", relay.Config{})
		edge := w.add("edge", relay.Config{}, upstream)
		for kill := range 8 {
			for !edge.Stats().Connected {
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
			upstream.kill(deathClosed)
			time.Sleep(300 * time.Millisecond)
			upstream.revive()
			back := time.Now()
			for !edge.Stats().Connected {
				time.Sleep(10 * time.Millisecond)
			}
			if d := time.Since(back); d > 2*time.Second {
				t.Errorf("after kill %d it was found %v after it was back", kill, d)
			}
		}
	})
}

// TestShownWhileLost: a namespace whose relay is lost for a moment is not taken
// from those who were told of it, and a way that works goes before one that is
// broken, however cheap.
func TestShownWhileLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// a - b has x; a - c - d has x too.
		edges := []*edge{{from: 0, to: 1, cost: 1}, {from: 0, to: 2, cost: 5}, {from: 2, to: 3, cost: 5}}
		m := newMesh(t, 4, edges, nil)
		for _, at := range []int{1, 3} {
			defer m.publishAt(at, trackIn("x"))()
		}
		defer m.publishAt(1, trackIn("y"))()
		time.Sleep(2 * time.Second)
		told := make(told, 16)
		s := m.client(m.nodes[0], nil)
		defer closeSession(s)
		if _, err := s.SubscribeNamespace(t.Context(), nil, told); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		edges[0].cut(true)
		time.Sleep(5 * time.Second) // noticed after 3
		if got := m.way(0, "x"); got != "10 c>d" {
			t.Errorf("a new subscriber would be served by %q", got)
		}
		if got := m.way(0, "y"); got != "1 b held" {
			t.Errorf("the broken way is %q", got)
		}
		if got := m.way(3, "y"); got != "11 c>a>b held" {
			t.Errorf("others see the broken way as %q", got)
		}
		edges[0].cut(false)
		time.Sleep(2500 * time.Millisecond)
		if got := m.way(0, "y"); got != "1 b" {
			t.Errorf("after it came back: %q", got)
		}
		settle()
		if want := []string{"+x", "+y"}; !slices.Equal(told.all(), want) {
			t.Errorf("subscribers were told %v, want %v", told.all(), want)
		}
	})
}

// told collects what a subscriber hears of namespaces.
type told chan string

func (c told) NamespaceAdded(ns wire.Namespace)   { c <- "+" + ns.String() }
func (c told) NamespaceRemoved(ns wire.Namespace) { c <- "-" + ns.String() }

// all returns what was told, in order.
func (c told) all() []string {
	var out []string
	for range len(c) {
		s := <-c
		out = append(out, s)
		c <- s
	}
	slices.Sort(out)
	return out
}

// TestOtherMakes: a peer of another make sees one Setup Option that it does not
// know, once, and nothing else that is not in its draft; one that sends what is
// for relays, without having said that it is one, loses the session.
func TestOtherMakes(t *testing.T) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRelay(t, relay.Config{ID: "one"})
				dial := func() *raw.Peer {
					near, far := transport.MemoryPair(v.String())
					go r.ServeConn(far)
					return raw.New(t, near)
				}
				p := dial()
				setup := p.Hello()
				if o, ok := setup.Relay(); !ok || o.ID != "one" {
					t.Errorf("the relay says %+v", setup)
				}
				p.PublishNamespace("x")
				other := dial()
				other.Hello()
				names := other.Namespaces()
				raw.Expect[*wire.RequestOK](names)
				if m := raw.Expect[*wire.NamespaceMsg](names); !m.Suffix.Equal(wire.Namespace{"x"}) {
					t.Errorf("told of %v", m.Suffix)
				}
				other.Subscribe(trackIn("x"), wire.Parameters{})
				// The peer reads strictly: RELAY_PATH would be an unknown parameter.
				raw.Accept[*wire.Subscribe](p)
				secret := &wire.TrackStatus{RequestID: other.ID(), Track: trackIn("x"), Params: wire.Parameters{RelayPath: wire.Some([]string{"me"})}}
				b, err := wire.AppendMessage(nil, v.BetweenRelays(), secret)
				if err != nil {
					t.Fatal(err)
				}
				other.RequestRaw(b)
				other.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// TestAskedAboutRelays: a relay that connects here needs permission for what it
// announces, unless it is trusted.
func TestAskedAboutRelays(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 0, to: 1, cost: 1}}
		m := newMesh(t, 2, edges, func(i int, c *relay.Config) {
			if i == 1 {
				c.Authorize = func(_ context.Context, a relay.Action) (relay.Verdict, error) {
					if a.Verb == relay.VerbPublishNamespace && strings.HasPrefix(a.Track.Namespace[0], "secret") {
						return relay.Verdict{}, errors.New("not you")
					}
					return relay.Verdict{}, nil
				}
			}
		})
		defer m.announce(0, "secret", "open")()
		time.Sleep(2 * time.Second)
		if got := m.way(1, "open"); got != "1 a" {
			t.Errorf("what is permitted: %q", got)
		}
		if got := m.way(1, "secret"); got != "" {
			t.Errorf("what is not permitted: %q", got)
		}
	})
}

// TestAskedWhileLost: a track that is asked for on a link that turns out to be lost
// is asked for again when the link is back.
func TestAskedWhileLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		edges := []*edge{{from: 1, to: 0, cost: 1}}
		m := newMesh(t, 2, edges, defaults)
		defer m.publishAt(0, camera)()
		time.Sleep(2 * time.Second)
		edges[0].cut(true)
		time.AfterFunc(3*time.Second, func() { edges[0].cut(false) })
		if got, err := m.first(1, camera); err != nil || got != "a" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
