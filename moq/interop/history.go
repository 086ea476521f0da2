package interop

import (
	"context"
	"fmt"
	"math"
	"slices"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// past makes groups of two subgroups, with gaps, priorities and properties.
func past(groups ...uint64) []object {
	var objects []object
	for _, group := range groups {
		for i, id := range []uint64{0, 1, 2, 4, 9} {
			o := object{group: group, id: id, subgroup: 3 * uint64(i%2), payload: pattern(group<<8+id, 10+100*i)}
			o.priority = uint8(50 + o.subgroup)
			if i%3 == 0 {
				o.properties = wire.AppendProperties(nil, wire.KeyValue{Type: greaseUint, Value: group}, wire.KeyValue{Type: greaseBytes, Bytes: pattern(id, 12)})
			}
			objects = append(objects, o)
		}
	}
	return objects
}

// lateJoiner lets the relay see groups 0 to 3, the last of them half, before
// the subscriber under test comes.
func lateJoiner(r *run) error {
	objects := past(0, 1, 2, 3, 4)
	split := wire.Location{Group: 3, Object: 2}
	before, after := between(objects, wire.Location{}, split), between(objects, split.Next(), wire.Location{Group: math.MaxUint64})

	o := newOffer()
	track := o.track(wire.FullTrackName{Namespace: r.namespace(), Name: testTrack}, nil)
	if _, _, err := r.publish("publisher", o, r.namespace()); err != nil {
		return err
	}
	first, err := r.connect("subscriber_1", link{})
	if err != nil {
		return err
	}
	early, err := r.subscribe("subscriber_1", first, track.Name(), moq.SubscribeOptions{})
	if err != nil {
		return err
	}
	if err := o.subscribed(r, track); err != nil {
		return err
	}
	feed := newFeeder(track, objects)
	if err := feed.write(before); err != nil {
		return err
	}
	if err := early.take(before); err != nil {
		return err
	}
	if err := early.check(before); err != nil {
		return err
	}
	second, err := r.connect("subscriber_2", link{})
	if err != nil {
		return err
	}
	late, err := r.subscribe("subscriber_2", second, track.Name(), moq.SubscribeOptions{JoinGroups: wire.Some(uint64(1))})
	if err != nil {
		return err
	}
	if l, ok := late.sub.Largest(); !ok || l != split {
		return &failure{expected: fmt.Sprintf("LARGEST_OBJECT %v", split), received: largest(wire.Option[wire.Location]{Value: l, Set: ok}), message: "subscriber_2: the relay does not tell what was published last"}
	}
	// The rest of the group comes while the past is on its way, the end of the
	// track only behind that: a subscription that is over cannot be joined.
	want := between(objects, wire.Location{Group: 2}, wire.Location{Group: 3, Object: math.MaxUint64})
	if err := feed.write(between(after, split.Next(), wire.Location{Group: 3, Object: math.MaxUint64})); err != nil {
		return err
	}
	if err := late.take(want); err != nil {
		return err
	}
	if err := late.check(want); err != nil {
		return err
	}
	if err := feed.write(between(after, wire.Location{Group: 4}, wire.Location{Group: math.MaxUint64})); err != nil {
		return err
	}
	track.Close(wire.DoneTrackEnded, "")
	want = between(objects, wire.Location{Group: 2}, wire.Location{Group: math.MaxUint64})
	if err := late.collect(want); err != nil {
		return err
	}
	return late.check(want)
}

func largest(l wire.Option[wire.Location]) string {
	if !l.Set {
		return "no LARGEST_OBJECT"
	}
	return fmt.Sprintf("LARGEST_OBJECT %v", l.Value)
}

// fetchOldGroups asks for what was published before anybody subscribed, so the
// relay has to have it from the publisher.
func fetchOldGroups(r *run) error {
	objects := past(0, 1, 2, 3, 4, 5)
	o := newOffer()
	track := o.track(wire.FullTrackName{Namespace: r.namespace(), Name: testTrack}, nil)
	if err := newFeeder(track, objects).write(objects); err != nil {
		return err
	}
	if _, _, err := r.publish("publisher", o, r.namespace()); err != nil {
		return err
	}
	s, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	for _, c := range []struct {
		what        string
		first, last wire.Location
		down        bool
	}{
		{"a part, within groups", wire.Location{Group: 1, Object: 1}, wire.Location{Group: 3, Object: 4}, false},
		{"one whole group", wire.Location{Group: 2}, wire.Location{Group: 2, Object: math.MaxUint64}, false},
		{"whole groups, newest first", wire.Location{Group: 2}, wire.Location{Group: 4, Object: math.MaxUint64}, true},
		{"all, to beyond the largest object", wire.Location{}, wire.Location{Group: 5, Object: math.MaxUint64}, false},
	} {
		if err := r.fetch(s, track.Name(), c.what, c.first, c.last, c.down, between(objects, c.first, c.last)); err != nil {
			return err
		}
	}
	return nil
}

// fetch asks for a range and checks what comes, and in which order.
func (r *run) fetch(s *moq.Session, name wire.FullTrackName, what string, first, last wire.Location, down bool, want []object) error {
	r.await("FETCH_OK and %d objects: %s", len(want), what)
	into := r.into(name)
	o := moq.FetchOptions{Into: into, First: first, Last: last}
	if down {
		o.Params.GroupOrder = wire.Some(wire.GroupOrderDescending)
	}
	f := s.Fetch(o)
	defer f.Close()
	if err := f.Wait(r.ctx); err != nil {
		return err
	}
	into.Close(wire.DoneTrackEnded, "")
	found, err := all(r.ctx, into)
	if err != nil {
		return err
	}
	var got []object
	for _, o := range found {
		got = append(got, arrived(o))
	}
	if err := r.same(what+": ", want, got); err != nil {
		return err
	}
	if order := groupOrder(down); !slices.IsSortedFunc(locations(got), order) {
		return &failure{
			expected: fmt.Sprintf("%v", slices.SortedFunc(slices.Values(locations(got)), order)),
			received: fmt.Sprintf("%v", locations(got)), message: what + ": the objects come in another order than asked for",
		}
	}
	return nil
}

// all returns the objects of a track that has ended, in order of arrival.
func all(ctx context.Context, t *live.Track) ([]*live.Object, error) {
	reader := t.NewReader(wire.Location{})
	defer reader.Close()
	var list []*live.Object
	for {
		o, err := reader.Next(ctx)
		if err == live.ErrClosed {
			slices.SortFunc(list, func(a, b *live.Object) int { return a.Arrived.Compare(b.Arrived) })
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
}

func trackStatus(r *run) error {
	objects := past(0, 3)
	ofTrack := wire.AppendProperties(nil, wire.KeyValue{Type: greaseUint, Value: 9}, wire.KeyValue{Type: greaseBytes, Bytes: pattern(9, 9)})
	o := newOffer()
	track := o.track(wire.FullTrackName{Namespace: r.namespace(), Name: testTrack}, ofTrack)
	if err := newFeeder(track, objects).write(objects); err != nil {
		return err
	}
	if _, _, err := r.publish("publisher", o, r.namespace()); err != nil {
		return err
	}
	s, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	r.await("REQUEST_OK for TRACK_STATUS")
	status, err := s.TrackStatus(r.ctx, track.Name())
	if err != nil {
		return err
	}
	last := wire.Some(objects[len(objects)-1].location())
	if status.Largest != last {
		return &failure{expected: largest(last), received: largest(status.Largest), message: "the relay does not tell what was published last"}
	}
	// In draft 16 the answer has no room for properties.
	if s.Version() != wire.Draft16 && string(status.Properties) != string(ofTrack) {
		return differ("properties of the track", ofTrack, status.Properties)
	}
	r.await("REQUEST_ERROR for TRACK_STATUS of a track that does not exist")
	_, err = s.TrackStatus(r.ctx, wire.FullTrackName{Namespace: r.namespace(), Name: "no-such-track"})
	if err == nil {
		return &failure{expected: r.awaited, received: "REQUEST_OK", message: "unexpected success"}
	}
	return refusal(err)
}

// differ says that bytes are not those that were sent.
func differ(what string, want, got []byte) error {
	return &failure{expected: fmt.Sprintf("%d bytes: %x", len(want), want), received: fmt.Sprintf("%d bytes: %x", len(got), got), message: what + " did not come as they were sent"}
}
