package conformance_test

import (
	"strings"
	"testing"
	"time"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// narrow is a peer to which the relay can have one data stream at a time, and
// which does not read: objects queue up behind the first. Two tracks are
// subscribed to, with these priorities.
func narrow(t *testing.T, v wire.Version, videoPriority, audioPriority uint8) (p *peer.Peer, sources [2]*source, requests [2]*peer.Request, aliases [2]uint64) {
	t.Helper()
	n := plainRelay(t)
	publisher := n.connect(v)
	blocker := publish(publisher, t, wire.FullTrackName{Namespace: room, Name: "blocker"}, 1, wire.Parameters{}, nil)
	sources = [2]*source{publish(publisher, t, video, 2, wire.Parameters{}, nil), publish(publisher, t, audio, 3, wire.Parameters{}, nil)}
	limit := int64(2) // one is the control stream
	if v.Has(wire.FeatureControlStream) {
		limit = 1
	}
	p = n.attachTo(transport.MemoryConfig{Protocol: v.String(), MaxUniStreams: limit, StreamBuffer: 4 << 10}.Pair())
	p.Hello()
	subscribe(p, wire.FullTrackName{Namespace: room, Name: "blocker"}, wire.Parameters{})
	for i, priority := range []uint8{videoPriority, audioPriority} {
		r, ok := subscribe(p, []wire.FullTrackName{video, audio}[i], wire.Parameters{SubscriberPriority: wire.Some(priority)})
		requests[i], aliases[i] = r, ok.TrackAlias
	}
	p.Pause()
	s := blocker.open(wire.SubgroupHeader{})
	s.Object(0, strings.Repeat("x", 50_000))
	s.Close()
	p.Stream()
	return p, sources, requests, aliases
}

// next returns the alias of the next data stream, which is read to its end.
func nextAlias(p *peer.Peer) uint64 {
	s := p.Stream()
	s.Rest()
	return s.Subgroup.TrackAlias
}

// TestPriorityUpdate: it counts for what has not been sent yet (rules 184, 188).
func TestPriorityUpdate(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, sources, requests, aliases := narrow(t, v, 10, 20)
		sources[0].group(1, 1)
		sources[1].group(1, 1)
		requests[1].Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))})
		peer.Expect[*wire.RequestOK](requests[1])
		p.Resume()
		if got := nextAlias(p); got != aliases[1] {
			t.Error("the track that became more important does not come first")
		}
		if got := nextAlias(p); got != aliases[0] {
			t.Errorf("then came %d", got)
		}
	})
}

// TestEqualPriorities: both requests make progress (rule 189).
func TestEqualPriorities(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, sources, _, _ := narrow(t, v, 10, 10)
		for g := range uint64(3) {
			sources[0].group(g, 1)
			sources[1].group(g, 1)
		}
		p.Resume()
		seen := map[uint64]int{}
		for range 4 {
			seen[nextAlias(p)]++
		}
		for alias, n := range seen {
			if n > 3 || len(seen) < 2 {
				t.Errorf("track %d had %d of the first 4 streams, want both to have some", alias, n)
			}
		}
	})
}

// TestPublisherPriority: the original publisher's priority counts downstream of
// a relay (rules 184, 186).
func TestPublisherPriority(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, sources, _, aliases := narrow(t, v, 10, 10)
		for i, priority := range []uint8{200, 3} {
			s := sources[i].open(wire.SubgroupHeader{Group: 1, Priority: wire.Some(priority)})
			s.Object(0, "x")
			s.Close()
			sources[i].ExpectOpen()
		}
		p.Resume()
		if got := nextAlias(p); got != aliases[1] {
			t.Error("the more important object does not come first")
		}
	})
}

// TestTooFarBehind: what a subscriber cannot take is bounded, and given up group
// by group (rule 198).
func TestTooFarBehind(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, sources, requests, _ := narrow(t, v, 10, 10)
		for g := range uint64(29) {
			sources[0].group(g, 1)
			time.Sleep(time.Second)
		}
		p.Resume()
		first := p.Stream()
		all, _ := first.Drain()
		if len(all) > 0 && all[0].Location.Group == 0 {
			t.Error("the oldest group was kept for that long")
		}
		requests[0].Quiet()
	})
}
