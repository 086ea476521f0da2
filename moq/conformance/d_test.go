package conformance_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// told takes n messages about namespaces and writes them, sorted: "+cam", "-cam".
func told(r *peer.Request, n int) string {
	var out []string
	for range n {
		switch m := r.Receive().(type) {
		case *wire.NamespaceMsg:
			out = append(out, "+"+m.Suffix.String())
		case *wire.NamespaceDone:
			out = append(out, "-"+m.Suffix.String())
		default:
			out = append(out, m.Type().String())
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestNamespacesAreTold: to every session whose prefix matches, the publisher's
// own included, after the answer, as NAMESPACE alone (rules 58, 59, 60, 61, 69).
func TestNamespacesAreTold(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		publisher := n.connect(v)
		publisher.PublishNamespace("room", "a")
		ask := func(p *peer.Peer, prefix ...string) *peer.Request {
			r := p.Namespaces(prefix...)
			peer.Expect[*wire.RequestOK](r)
			return r
		}
		viewer := n.connect(v)
		own, room, all, other := ask(publisher, "room"), ask(n.connect(v), "room"), ask(n.connect(v)), ask(viewer, "rooms")
		b := publisher.PublishNamespace("room", "b")
		n.connect(v).PublishNamespace("room")
		publisher.ExpectOpen() // what is withdrawn before it was told of is never told
		b.Cancel(wire.ResetCancelled)
		for _, x := range []struct {
			who  string
			r    *peer.Request
			want string
		}{
			{"the publisher", own, "+ +a +b -b"}, {"the room", room, "+ +a +b -b"}, {"everything", all, "+room +room-a +room-b -room-b"},
		} {
			if got := told(x.r, 4); got != x.want {
				t.Errorf("%s was told %q, want %q", x.who, got, x.want)
			}
			x.r.Quiet()
		}
		other.Quiet()
		viewer.Quiet() // no PUBLISH_NAMESPACE either
	})
}

// TestAnswerComesFirst: a subscriber closes when a namespace precedes the answer
// (rule 58), or its end the namespace (rule 62).
func TestAnswerComesFirst(t *testing.T) {
	tests := []struct {
		name string
		send []wire.Message
	}{
		{"NAMESPACE before the answer", []wire.Message{&wire.NamespaceMsg{Suffix: room}}},
		{"NAMESPACE_DONE before NAMESPACE", []wire.Message{&wire.RequestOK{}, &wire.NamespaceDone{Suffix: room}}},
		{"NAMESPACE_DONE twice", []wire.Message{&wire.RequestOK{}, &wire.NamespaceMsg{Suffix: room}, &wire.NamespaceDone{Suffix: room}, &wire.NamespaceDone{Suffix: room}}},
		{"SUBSCRIBE_OK as answer", []wire.Message{&wire.SubscribeOK{}}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p, session := client(t, v, moq.Config{})
				p.Hello()
				s := session()
				go func() { _, _ = s.SubscribeNamespace(t.Context(), nil, make(events, 9)) }()
				r, _ := peer.Accept[*wire.SubscribeNamespace](p)
				r.Send(x.send...)
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}

// events collects what a session tells of namespaces.
type events chan string

func (e events) NamespaceAdded(ns wire.Namespace)   { e <- "+" + ns.String() }
func (e events) NamespaceRemoved(ns wire.Namespace) { e <- "-" + ns.String() }

// TestNamespaceStreamEnds: its end takes all namespaces back, and nothing else
// (rule 64).
func TestNamespaceStreamEnds(t *testing.T) {
	ends := []struct {
		name string
		end  func(r *peer.Request)
	}{
		{"by FIN", func(r *peer.Request) { r.Finish() }},
		{"by reset", func(r *peer.Request) { r.Cancel(wire.ResetInternalError) }},
	}
	for _, x := range ends {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p, session := client(t, v, moq.Config{})
				p.Hello()
				s := session()
				got := make(events, 9)
				go func() { _, _ = s.SubscribeNamespace(t.Context(), room, got) }()
				r, _ := peer.Accept[*wire.SubscribeNamespace](p)
				r.Send(&wire.RequestOK{}, &wire.NamespaceMsg{Suffix: wire.Namespace{"a"}}, &wire.NamespaceMsg{Suffix: wire.Namespace{"b"}})
				synctest.Wait()
				x.end(r)
				all := []string{<-got, <-got, <-got, <-got}
				slices.Sort(all)
				if text := strings.Join(all, " "); text != "+room-a +room-b -room-a -room-b" {
					t.Errorf("got %s", text)
				}
				p.ExpectOpen()
			})
		})
	}
}

// TestPrefixOverlap: two subscriptions of one kind do not overlap in a session
// (rule 63).
func TestPrefixOverlap(t *testing.T) {
	kinds := []struct {
		name string
		ask  func(p *peer.Peer, prefix ...string) *peer.Request
	}{
		{"namespaces", func(p *peer.Peer, prefix ...string) *peer.Request { return p.Namespaces(prefix...) }},
		{"tracks", func(p *peer.Peer, prefix ...string) *peer.Request { return p.Tracks(wire.Parameters{}, prefix...) }},
	}
	for i, x := range kinds {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				first := x.ask(p, "a", "b")
				peer.Expect[*wire.RequestOK](first)
				for _, overlapping := range []wire.Namespace{{"a"}, {"a", "b"}, {"a", "b", "c"}, nil} {
					r := x.ask(p, overlapping...)
					r.ExpectError(wire.RequestPrefixOverlap)
					r.ExpectFin()
				}
				peer.Expect[*wire.RequestOK](x.ask(p, "a", "bc"))
				other := kinds[1-i].ask(p, "a")
				if v.Has(wire.FeatureSubscribeTracks) {
					peer.Expect[*wire.RequestOK](other)
				} else { // draft 16 has one space for both
					other.ExpectError(wire.RequestPrefixOverlap)
				}
				first.Cancel(wire.ResetCancelled)
				synctest.Wait()
				peer.Expect[*wire.RequestOK](x.ask(p, "a", "b"))
			})
		})
	}
}

// TestPrefixLimits: 32 fields at most, and none for everything (rule 74).
func TestPrefixLimits(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p := alone(t, v)
		peer.Expect[*wire.RequestOK](p.Namespaces(slices.Repeat([]string{"x"}, 32)...))
		peer.Expect[*wire.RequestOK](plainRelay(t).connect(v).Namespaces())
		m := &wire.SubscribeNamespace{RequestID: p.ID(), Prefix: room}
		payload := append(p.Varint(p.Varint(nil, m.RequestID), 33), slices.Repeat([]byte{1, 'x'}, 33)...)
		p.RequestAs(m, p.Bytes(m, append(payload, 0, 0)))
		p.ExpectClose(wire.SessionProtocolViolation)
	})
}

// TestOwnTracks: SUBSCRIBE_TRACKS offers what others publish, not one's own
// (rules 61, 82).
func TestOwnTracks(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		peer.Expect[*wire.RequestOK](source.Tracks(wire.Parameters{}, "room"))
		early, late := n.connect(v), n.connect(v)
		peer.Expect[*wire.RequestOK](early.Tracks(wire.Parameters{}, "room"))
		_, m := peer.Accept[*wire.Publish](early)
		if !m.Track.Equal(video) {
			t.Errorf("offered %s, want %s", m.Track, video)
		}
		publish(n.connect(v), t, audio, 1, wire.Parameters{}, nil)
		peer.Expect[*wire.RequestOK](late.Tracks(wire.Parameters{}))
		for range 2 {
			peer.Accept[*wire.Publish](late)
		}
		if _, m := peer.Accept[*wire.Publish](source.Peer); !m.Track.Equal(audio) {
			t.Errorf("the publisher of %s was offered %s", video, m.Track)
		}
		source.Quiet()
	})
}

// TestForwardOfSubscribeTracks: it is that of the PUBLISH that follows (rule 68).
func TestForwardOfSubscribeTracks(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		peer.Expect[*wire.RequestOK](viewer.Tracks(wire.Parameters{Forward: wire.Some(false)}, "room"))
		r, m := peer.Accept[*wire.Publish](viewer)
		if m.Params.Forward.Or(true) {
			t.Errorf("PUBLISH has FORWARD %+v, want 0", m.Params.Forward)
		}
		source.group(1, 1)
		viewer.Quiet()
		r.AcceptPublish(wire.Parameters{Forward: wire.Some(true)})
		source.group(2, 1)
		for got := ""; got != "2/0"; { // and what came since PUBLISH, where its answer brings it
			if got = peer.Locations(viewer.Stream().Rest()); got != "1/0" && got != "2/0" {
				t.Fatalf("got %s, want 2/0", got)
			}
		}
		viewer.Quiet()
	})
}

// TestPublishBlocked: a track for which there is no stream is told by
// PUBLISH_BLOCKED, and is not offered any more (rules 66, 67).
func TestPublishBlocked(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		viewer := n.attachTo(transport.MemoryConfig{Protocol: v.String(), MaxStreams: 1}.Pair())
		viewer.Hello()
		r := viewer.Tracks(wire.Parameters{}, "room")
		peer.Expect[*wire.RequestOK](r)
		offer(n.connect(v), t)
		p, _ := peer.Accept[*wire.Publish](viewer)
		p.AcceptPublish(wire.Parameters{})
		publish(n.connect(v), t, audio, 1, wire.Parameters{}, nil)
		m := peer.Expect[*wire.PublishBlocked](r)
		if m.Name != audio.Name || len(m.Suffix) > 0 {
			t.Errorf("blocked: %+v, want %s", m, audio)
		}
		p.Cancel(wire.ResetCancelled) // there is room again
		time.Sleep(time.Minute)
		viewer.Quiet()
	})
}

// TestUnreadNamespaces: who does not read them loses the session in time (rules
// 65, 212).
func TestUnreadNamespaces(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		p := n.attachTo(transport.MemoryConfig{Protocol: v.String(), StreamBuffer: 4 << 10}.Pair())
		p.Hello()
		stream, err := p.Conn.OpenStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Write(p.Encode(&wire.SubscribeNamespace{RequestID: p.ID()})); err != nil {
			t.Fatal(err)
		}
		publisher := n.connect(v)
		for i := range 5 {
			publisher.PublishNamespace(strings.Repeat("x", 3000), string(rune('a'+i)))
		}
		p.ExpectClose(wire.SessionControlMessageTimeout)
	})
}

// revoker accepts namespaces and gives the request away.
type revoker chan *moq.PublishNamespaceRequest

func (c revoker) Serve(ctx context.Context, r moq.Request) {
	if p, ok := r.(*moq.PublishNamespaceRequest); ok {
		p.Accept()
		c <- p
		<-ctx.Done()
	}
}

// TestRevokedNamespace: who accepted a namespace can take that back (rule 69).
func TestRevokedNamespace(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		accepted := make(revoker, 1)
		p := served(t, v, moq.Config{Handler: accepted})
		r := p.PublishNamespace("room")
		(<-accepted).Revoke(wire.ResetCancelled)
		r.ExpectCancel()
		p.ExpectOpen()
	})
}

// TestReservedNamespaces: a lone period never exists, .session stays in its
// session, others go to the application (rules 72, 73).
func TestReservedNamespaces(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		p, watcher := n.connect(v), n.connect(v)
		all := watcher.Namespaces()
		peer.Expect[*wire.RequestOK](all)
		for _, ns := range []wire.Namespace{{"."}, {".", "x"}, {".session"}, {".session", "x"}} {
			name := wire.FullTrackName{Namespace: ns, Name: "t"}
			p.Subscribe(name, wire.Parameters{}).ExpectError(wire.RequestDoesNotExist)
			p.Status(name).ExpectError(wire.RequestDoesNotExist)
			p.Status(wire.FullTrackName{Namespace: ns}).ExpectError(wire.RequestDoesNotExist)
			p.FetchRange(name, wire.Location{}, wire.Location{Group: 1}, wire.Parameters{}).ExpectError(wire.RequestDoesNotExist)
			if _, refused := p.Request(&wire.PublishNamespace{RequestID: p.ID(), Namespace: ns}).Receive().(*wire.RequestErr); !refused {
				t.Errorf("namespace %s was accepted", ns)
			}
			if _, refused := p.Publish(name, 1, wire.Parameters{}, nil).Receive().(*wire.RequestErr); !refused {
				t.Errorf("track %s was accepted", name)
			}
		}
		all.Quiet()
		p.PublishNamespace(".well-known", "x")
		if got := told(all, 1); got != "+"+(wire.Namespace{".well-known", "x"}).String() {
			t.Errorf("told %s", got)
		}
	})
}
