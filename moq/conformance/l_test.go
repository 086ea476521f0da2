package conformance_test

import (
	"bytes"
	"testing"

	"moqedge/moq/conformance/peer"
	"moqedge/moq/wire"
)

// TestTrackProperties: all of them, unchanged, in every message that has them
// (rules 176, 177, 182).
func TestTrackProperties(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		properties := wire.AppendProperties(nil,
			wire.KeyValue{Type: wire.PropMaxCacheDuration, Value: 60_000}, wire.KeyValue{Type: wire.PropPublisherPriority, Value: 9},
			wire.KeyValue{Type: 0x78, Value: 1}, wire.KeyValue{Type: 0x3801, Bytes: []byte("app")}, wire.KeyValue{Type: 0x3ffe, Value: 2})
		n := plainRelay(t)
		source := publish(n.connect(v), t, video, 1, wire.Parameters{}, properties)
		source.group(1, 1)
		check := func(where string, got wire.Properties) {
			t.Helper()
			if !bytes.Equal(got, properties) {
				t.Errorf("%s has the properties %x, want %x", where, got, properties)
			}
		}
		viewer := n.connect(v)
		_, ok := subscribe(viewer, video, wire.Parameters{})
		check("SUBSCRIBE_OK", ok.TrackProperties)
		fetch := viewer.FetchRange(video, wire.Location{Group: 1}, wire.Location{Group: 1}, wire.Parameters{})
		check("FETCH_OK", peer.Expect[*wire.FetchOK](fetch).TrackProperties)
		if v.Has(wire.FeatureSubscribeTracks) { // draft 16 has none in REQUEST_OK
			check("the answer to TRACK_STATUS", peer.Expect[*wire.RequestOK](viewer.Status(video)).TrackProperties)
		}
		taker := n.connect(v)
		taker.Tracks(wire.Parameters{}, "room")
		_, m := peer.Accept[*wire.Publish](taker)
		check("PUBLISH", m.TrackProperties)
	})
}

// TestImmutableProperties: byte for byte, also in an unusual encoding (rule 179).
func TestImmutableProperties(t *testing.T) {
	forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
		inside := []byte{0x80, 0x02, 0xc0, 0x00, 0x05} // type 2 in two bytes, value 5 in three
		properties := wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropImmutable, Bytes: inside})
		n := plainRelay(t)
		source := publish(n.connect(v), t, video, 1, wire.Parameters{}, properties)
		viewer := n.connect(v)
		_, ok := subscribe(viewer, video, wire.Parameters{})
		if !bytes.Equal(ok.TrackProperties, properties) {
			t.Errorf("track properties %x, want %x", ok.TrackProperties, properties)
		}
		s := source.open(wire.SubgroupHeader{Group: 1, HasProperties: true})
		s.Send(wire.Object{Properties: properties, PayloadLen: 1}, "x")
		if o := viewer.Stream().Next(); !bytes.Equal(o.Properties, properties) {
			t.Errorf("object properties %x, want %x", o.Properties, properties)
		}
	})
}

// TestNoGapsAdded: a relay says nothing about what it did not get (rule 180).
func TestNoGapsAdded(t *testing.T) {
	everyDraft(t, func(t *testing.T, v wire.Version) {
		n := plainRelay(t)
		source := offer(n.connect(v), t)
		viewer := n.connect(v)
		watch(viewer)
		s := source.open(wire.SubgroupHeader{Group: 5, HasProperties: true, FirstObject: true})
		s.Object(3, "x")
		s.Object(7, "y")
		s.Close()
		for _, o := range viewer.Stream().Rest() {
			if len(o.Properties) > 0 {
				t.Errorf("object %s has properties %x", o.Location, o.Properties)
			}
		}
		peer.Expect[*wire.FetchOK](viewer.FetchRange(video, wire.Location{Group: 5}, wire.Location{Group: 5, Object: 7}, wire.Parameters{}))
		for _, o := range viewer.Stream().Rest() {
			if len(o.Properties) > 0 {
				t.Errorf("fetched object %s has properties %x", o.Location, o.Properties)
			}
		}
	})
}

// TestMandatoryProperty: a track with one that is unknown here is refused in both
// directions (rule 181).
func TestMandatoryProperty(t *testing.T) {
	must := wire.AppendProperties(nil, wire.KeyValue{Type: 0x4002, Value: 1})
	tests := []struct {
		name       string
		properties wire.Properties
	}{
		{"outside", must},
		{"inside immutable properties", wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropImmutable, Bytes: must})},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			forDrafts(t, 18, 0, func(t *testing.T, v wire.Version) {
				n := plainRelay(t)
				p := n.connect(v)
				p.Publish(video, 1, wire.Parameters{}, x.properties).ExpectError(wire.RequestUnsupportedExtension)
				p.PublishNamespace("room")
				viewer := n.connect(v)
				asked := viewer.Subscribe(audio, wire.Parameters{})
				r, _ := peer.Accept[*wire.Subscribe](p)
				r.AcceptSubscribe(2, wire.Option[wire.Location]{}, x.properties)
				r.ExpectCancel()
				asked.ExpectError(wire.RequestUnsupportedExtension)
				viewer.ExpectOpen()
				p.ExpectOpen()
			})
		})
	}
}

// TestBadPropertyValues close the session (rule 183).
func TestBadPropertyValues(t *testing.T) {
	tests := []struct {
		name  string
		value wire.KeyValue
	}{
		{"GROUP_ORDER 0", wire.KeyValue{Type: wire.PropGroupOrder, Value: 0}},
		{"GROUP_ORDER 3", wire.KeyValue{Type: wire.PropGroupOrder, Value: 3}},
		{"DYNAMIC_GROUPS 2", wire.KeyValue{Type: wire.PropDynamicGroups, Value: 2}},
		{"PUBLISHER_PRIORITY 256", wire.KeyValue{Type: wire.PropPublisherPriority, Value: 256}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			everyDraft(t, func(t *testing.T, v wire.Version) {
				p := alone(t, v)
				p.Publish(video, 1, wire.Parameters{}, wire.AppendProperties(nil, x.value))
				p.ExpectClose(wire.SessionProtocolViolation)
			})
		})
	}
}
