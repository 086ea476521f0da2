package conformance_test

import (
	"bytes"
	"math"
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

// TestObjectsPassUnchanged: all fields and every byte, whatever the bytes come in
// (rules 139, 148, 149, 153, 176).
func TestObjectsPassUnchanged(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x3802, Value: 77}, wire.KeyValue{Type: 0x3803, Bytes: []byte{0, 255}})
		s := source.open(wire.SubgroupHeader{Group: 9, Mode: wire.SubgroupExplicit, Subgroup: 4, Priority: wire.Some(uint8(17)), HasProperties: true})
		payload := bytes.Repeat([]byte{0, 1, 2, 0xff}, 5000)
		s.Send(wire.Object{ID: 3, Properties: properties, PayloadLen: uint64(len(payload))}, "")
		for part := range slices.Chunk(payload, 777) {
			s.Write(string(part))
		}
		s.Send(wire.Object{ID: 8, PayloadLen: 0}, "") // a normal object without payload
		s.Send(wire.Object{ID: 9, Status: wire.ObjectEndOfGroup}, "")
		s.Close()
		stream := viewer.Stream()
		h := stream.Subgroup
		all := stream.Rest()
		if h.Group != 9 || all[0].Subgroup != 4 || h.Priority != wire.Some(uint8(17)) {
			t.Errorf("header %+v", h)
		}
		if got := peer.Locations(all); got != "9/3 9/8 9/9:group-ends" {
			t.Fatalf("got %s", got)
		}
		if o := all[0]; !bytes.Equal(o.Payload, payload) || !bytes.Equal(o.Properties, properties) || o.Subgroup != 4 {
			t.Errorf("object 9/3 has %d bytes, properties %x, subgroup %d", len(o.Payload), o.Properties, o.Subgroup)
		}
	})
}

// TestDatagramsStayDatagrams: an object goes on as it came, in a track that has
// both kinds (rule 150).
func TestDatagramsStayDatagrams(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		_, ok := subscribe(viewer, video, wire.Parameters{})
		source.settle()
		sent := wire.Datagram{TrackAlias: source.alias, Group: 2, ID: 5, Priority: wire.Some(uint8(3)), Payload: []byte("d"), Properties: wire.AppendProperties(nil, wire.KeyValue{Type: 0x3802, Value: 1})}
		source.SendDatagram(wire.AppendDatagram(nil, v, &sent))
		got, _, err := wire.ParseDatagram(v, viewer.ReceiveDatagram())
		if err != nil {
			t.Fatal(err)
		}
		if got.TrackAlias != ok.TrackAlias || got.Group != 2 || got.ID != 5 || got.Priority != sent.Priority || string(got.Payload) != "d" || !bytes.Equal(got.Properties, sent.Properties) {
			t.Errorf("got %+v", got)
		}
		source.group(3, 1)
		if got := peer.Locations(viewer.Stream().Rest()); got != "3/0" {
			t.Errorf("got %s", got)
		}
		viewer.Quiet()
	})
}

// TestSubgroupsHaveStreams: each its own (rule 151, 159).
func TestSubgroupsHaveStreams(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		var open []*peer.Subgroup
		for id := range uint64(3) {
			open = append(open, source.open(wire.SubgroupHeader{Group: 1, Mode: wire.SubgroupExplicit, Subgroup: id}))
		}
		for i := range 9 { // interleaved
			open[i%3].Object(uint64(i), "x")
		}
		for _, s := range open {
			s.Close()
		}
		want := map[uint64]string{0: "1/0 1/3 1/6", 1: "1/1 1/4 1/7", 2: "1/2 1/5 1/8"}
		for range 3 {
			s := viewer.Stream()
			all := s.Rest()
			id := all[0].Subgroup
			if got := peer.Locations(all); got != want[id] {
				t.Errorf("subgroup %d got %q, want %q", id, got, want[id])
			}
			delete(want, id)
		}
		viewer.Quiet()
	})
}

// TestFirstObject: set for the first object of the subgroup, not for one in its
// midst (rule 152).
func TestFirstObject(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		early, late := n.connect(v), n.connect(v)
		watch(early)
		s := source.open(wire.SubgroupHeader{Group: 1, FirstObject: true})
		s.Object(0, "a")
		if !early.Stream().Subgroup.FirstObject {
			t.Error("the stream begins with the first object and does not say so")
		}
		synctest.Wait()
		watch(late)
		s.Object(1, "b")
		stream := late.Stream()
		if got := stream.Next(); got.Location.Object != 1 || stream.Subgroup.FirstObject {
			t.Errorf("a stream that begins with object %d says it begins with the first", got.Location.Object)
		}
		source.open(wire.SubgroupHeader{Group: 2}).Object(5, "c")
		if early.Stream().Subgroup.FirstObject {
			t.Error("a stream of an unknown beginning says it begins with the first object")
		}
	})
}

// TestResetStaysReset: a stream that was reset upstream does not end with FIN,
// and keeps what came before (rules 157, 154).
func TestResetStaysReset(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		r := watch(viewer)
		s := source.open(wire.SubgroupHeader{Group: 1, EndOfGroup: true})
		s.Object(0, "a")
		s.Send(wire.Object{ID: 1, PayloadLen: 10}, "half")
		stream := viewer.Stream()
		stream.Next()
		s.Reset(wire.ResetCancelled)
		source.request.Send(&wire.PublishDone{Code: wire.DoneTrackEnded, StreamCount: 1})
		if rest, err := stream.Drain(); !peer.IsReset(err) {
			t.Errorf("the stream ended with %v after %s, want a reset", err, peer.Locations(rest))
		}
		r.ExpectDone(wire.DoneTrackEnded)
	})
}

// TestFinOfWholeSubgroup: FIN when it is whole, with its objects (rule 155).
func TestFinOfWholeSubgroup(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		s := source.open(wire.SubgroupHeader{Group: 1, EndOfGroup: true, FirstObject: true})
		s.Object(0, "a")
		stream := viewer.Stream()
		stream.Next()
		stream.Quiet()
		s.Close()
		if rest := stream.Rest(); len(rest) != 0 {
			t.Errorf("got %s behind the last object", peer.Locations(rest))
		}
	})
}

// TestStoppedSubgroup: it has no second stream (rule 158).
func TestStoppedSubgroup(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		s := source.open(wire.SubgroupHeader{Group: 1})
		s.Object(0, "a")
		viewer.Stream().Stop(wire.ResetCancelled)
		synctest.Wait()
		s.Object(1, "b")
		s.Object(2, "c")
		viewer.Quiet()
		source.group(2, 1) // other subgroups go on
		if got := peer.Locations(viewer.Stream().Rest()); got != "2/0" {
			t.Errorf("got %s", got)
		}
	})
}

// TestBadObjects: what no peer may send on a subgroup stream closes the session
// (rules 160, 161, 168, 169).
func TestBadObjects(t *testing.T) {
	tests := []struct {
		name string
		send func(s *peer.Subgroup)
	}{
		{"unknown status", func(s *peer.Subgroup) { s.Send(wire.Object{Status: 1}, "") }},
		{"properties of an end of group", func(s *peer.Subgroup) {
			s.Send(wire.Object{Status: wire.ObjectEndOfGroup, Properties: wire.AppendProperties(nil, wire.KeyValue{Type: 2})}, "")
		}},
		{"FIN within a payload", func(s *peer.Subgroup) { s.Send(wire.Object{PayloadLen: 9}, "half"); s.Close() }},
		{"FIN within a header", func(s *peer.Subgroup) { s.Write("\x00"); s.Close() }},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				source := offer(n.connect(v), t)
				watch(n.connect(v))
				x.send(source.open(wire.SubgroupHeader{Group: 1, HasProperties: true}))
				source.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
	t.Run("object ID beyond 64 bits", func(t *testing.T) {
		forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			source := offer(n.connect(v), t)
			watch(n.connect(v))
			s := source.open(wire.SubgroupHeader{Group: 1})
			s.Object(math.MaxUint64-1, "")
			s.Write(string(source.Varint(nil, 5)) + "\x00\x00")
			source.ExpectClose(wire.SessionProtocolViolation)
		})
	})
}

// TestLargeDatagram: one that does not fit a subscriber's path is dropped there,
// and there alone (rule 163).
func TestLargeDatagram(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		narrow := n.attachTo(transport.MemoryConfig{Protocol: v.String(), MaxDatagram: 100}.Pair())
		narrow.Hello()
		wide := n.connect(v)
		watch(narrow)
		watch(wide)
		source.settle()
		for id, size := range []int{500, 10} {
			d := wire.Datagram{TrackAlias: source.alias, Group: 1, ID: uint64(id), Payload: make([]byte, size)}
			source.SendDatagram(wire.AppendDatagram(nil, v, &d))
		}
		for _, x := range []struct {
			p    *peer.Peer
			want []uint64
		}{{narrow, []uint64{1}}, {wide, []uint64{0, 1}}} {
			for _, id := range x.want {
				d, _, err := wire.ParseDatagram(v, x.p.ReceiveDatagram())
				if err != nil || d.ID != id {
					t.Errorf("got object %d, %v, want %d", d.ID, err, id)
				}
			}
			x.p.Quiet()
		}
	})
}

// TestAliases: one that stands for two tracks closes the session; relays choose
// their own (rule 164).
func TestAliases(t *testing.T) {
	t.Run("of two tracks", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			p := alone(t, v)
			publish(p, t, video, 7, wire.Parameters{}, nil)
			p.Publish(audio, 7, wire.Parameters{}, nil)
			p.ExpectClose(wire.SessionDuplicateTrackAlias)
		})
	})
	t.Run("of the same number in two sessions", func(t *testing.T) {
		everyDraft(t, func(t *testing.T, v wire.Version) {
			n := plainRelay(t)
			a := publish(n.connect(v), t, video, 7, wire.Parameters{}, nil)
			b := publish(n.connect(v), t, audio, 7, wire.Parameters{}, nil)
			viewer := n.connect(v)
			_, first := subscribe(viewer, video, wire.Parameters{})
			_, second := subscribe(viewer, audio, wire.Parameters{})
			if first.TrackAlias == second.TrackAlias {
				t.Fatalf("two tracks have the alias %d", first.TrackAlias)
			}
			b.group(2, 1)
			if s := viewer.Stream(); s.Subgroup.TrackAlias != second.TrackAlias {
				t.Errorf("a group of %s has the alias %d", audio, s.Subgroup.TrackAlias)
			}
			a.group(1, 1)
			if s := viewer.Stream(); s.Subgroup.TrackAlias != first.TrackAlias {
				t.Errorf("a group of %s has the alias %d", video, s.Subgroup.TrackAlias)
			}
		})
	})
}

// TestUnknownAlias: data waits a little for the message that explains it, and is
// then turned away (rule 165).
func TestUnknownAlias(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		p, session := client(t, v, moq.Config{AliasTimeout: time.Second})
		p.Hello()
		s := session()
		subs := make(chan *moq.Subscription, 1)
		go func() {
			sub, err := s.Subscribe(t.Context(), video, moq.SubscribeOptions{})
			if err != nil {
				t.Error(err)
			}
			subs <- sub
		}()
		r, _ := peer.Accept[*wire.Subscribe](p)
		p.SendGroup(wire.SubgroupHeader{TrackAlias: 3, Group: 1, Priority: wire.Some(uint8(1))}, "early")
		stray := p.OpenSubgroup(wire.SubgroupHeader{TrackAlias: 4, Group: 1})
		time.Sleep(500 * time.Millisecond)
		r.AcceptSubscribe(3, wire.Option[wire.Location]{}, nil)
		reader := (<-subs).Track().NewReader(wire.Location{})
		defer reader.Close()
		if o, err := reader.Next(t.Context()); err != nil || string(o.Payload()) != "early" {
			t.Errorf("got %v, %v", o, err)
		}
		time.Sleep(time.Second)
		if stray.Stream.Context().Err() == nil {
			t.Error("a stream of an unknown track is not stopped")
		}
		p.ExpectOpen()
	})
}

// TestGapsInIDs: objects pass whatever IDs are left out, and what is left out may
// come later (rule 170).
func TestGapsInIDs(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		a := source.open(wire.SubgroupHeader{Group: 1, Mode: wire.SubgroupExplicit, Subgroup: 0})
		a.Object(0, "x")
		a.Object(10, "x")
		b := source.open(wire.SubgroupHeader{Group: 1, Mode: wire.SubgroupExplicit, Subgroup: 1})
		b.Object(5, "x")
		a.Close()
		b.Close()
		got := []string{peer.Locations(viewer.Stream().Rest()), peer.Locations(viewer.Stream().Rest())}
		if text := strings.Join(got, ", "); text != "1/0 1/10, 1/5" && text != "1/5, 1/0 1/10" {
			t.Errorf("got %s", text)
		}
	})
}
