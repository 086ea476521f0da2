package interop

import (
	"context"
	"slices"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// show is a track on its way through the relay to one subscriber.
type show struct {
	offer *offer
	track *live.Track
	to    *receiver
}

// present connects a publisher and a subscriber, and waits until the relay has
// brought the subscription to the publisher.
func (r *run) present(p wire.Properties) (*show, error) {
	s := &show{offer: newOffer()}
	s.track = s.offer.track(wire.FullTrackName{Namespace: r.namespace(), Name: testTrack}, p)
	if _, _, err := r.publish("publisher", s.offer, r.namespace()); err != nil {
		return nil, err
	}
	session, err := r.connect("subscriber", link{})
	if err != nil {
		return nil, err
	}
	if s.to, err = r.subscribe("subscriber", session, s.track.Name(), moq.SubscribeOptions{}); err != nil {
		return nil, err
	}
	return s, s.offer.subscribed(r, s.track)
}

// deliver publishes objects and compares what the subscriber gets.
func (r *run) deliver(objects []object) error {
	s, err := r.present(nil)
	if err != nil {
		return err
	}
	if err := newFeeder(s.track, objects).write(objects); err != nil {
		return err
	}
	s.track.Close(wire.DoneTrackEnded, "")
	if err := s.to.collect(objects); err != nil {
		return err
	}
	return s.to.check(objects)
}

func singleObject(r *run) error {
	return r.deliver([]object{{priority: wire.DefaultPriority, payload: []byte("one object")}})
}

func singleGroup(r *run) error {
	var objects []object
	for id := range uint64(10) {
		objects = append(objects, object{id: id, priority: wire.DefaultPriority, payload: pattern(id, 100+10*int(id))})
	}
	return r.deliver(objects)
}

// subgroupsWithGaps has the subgroups of a group in flight together: an ID
// that one of them skips may be in another, or nowhere.
func subgroupsWithGaps(r *run) error {
	var objects []object
	for _, group := range []uint64{5, 7, 1 << 33} {
		for id, subgroup := range []uint64{0, 1, 3, 7, 0, 0, 1, 3, 70000} {
			objects = append(objects, object{group: group, id: uint64(id), subgroup: subgroup})
		}
		for i, id := range []uint64{20, 21, 100, 16384, 1 << 31} {
			objects = append(objects, object{group: group, id: id, subgroup: []uint64{0, 7, 7, 0, 1}[i]})
		}
	}
	for i := range objects {
		o := &objects[i]
		o.priority = uint8(10 + o.subgroup%200)
		o.payload = pattern(o.group<<8+o.id, 1+50*i%700)
	}
	return r.deliver(objects)
}

func largeObject(r *run) error {
	return r.deliver([]object{
		{id: 0, priority: 20, payload: pattern(1, 3<<20+7)},
		{id: 1, priority: 20}, // no payload, status Normal
		{id: 2, priority: 20, payload: pattern(2, 1)},
		{id: 3, priority: 20, payload: pattern(3, 64<<10)},
	})
}

// statusObjects accepts an end of group also as the bit in the subgroup's
// header, into which a relay may turn it (moqt-18 §9.1).
func statusObjects(r *run) error {
	s, err := r.present(nil)
	if err != nil {
		return err
	}
	objects := []object{
		{group: 0, id: 0, payload: pattern(1, 10)},
		{group: 0, id: 1, payload: pattern(2, 10)},
		{group: 0, id: 2, status: wire.ObjectEndOfGroup},
		{group: 1, id: 0, payload: pattern(3, 10)},
		{group: 1, id: 3, status: wire.ObjectEndOfGroup}, // 1 and 2 do not exist
		{group: 2, id: 0, payload: pattern(4, 10)},
		{group: 2, id: 1, status: wire.ObjectEndOfTrack},
	}
	for i := range objects {
		objects[i].priority = wire.DefaultPriority
	}
	if err := newFeeder(s.track, objects).write(objects); err != nil {
		return err
	}
	s.track.Close(wire.DoneTrackEnded, "the end")
	if err := s.to.collect(objects); err != nil {
		return err
	}
	want := slices.DeleteFunc(slices.Clone(objects), func(o object) bool {
		return o.status == wire.ObjectEndOfGroup && !slices.Contains(locations(s.to.got), o.location()) && s.to.endsGroup(o.group)
	})
	if err := s.to.check(want); err != nil {
		return err
	}
	d, err := s.to.done()
	if err != nil {
		return err
	}
	if d.Code != wire.DoneTrackEnded {
		return &failure{expected: "PUBLISH_DONE TRACK_ENDED", received: "PUBLISH_DONE " + d.Code.String(), message: "the subscription did not end as the publisher ended it"}
	}
	return nil
}

// endsGroup reports whether a subgroup of the group said that it ends it.
func (v *receiver) endsGroup(group uint64) bool {
	feed := v.track.NewFeed(wire.Location{})
	for s, ok := feed.Subgroup(); ok; s, ok = feed.Subgroup() {
		if s.Group == group && s.EndsGroup() {
			return true
		}
	}
	return false
}

// Property types that no draft gives a meaning to: they are reserved for
// greasing, and relays have to pass them on.
const (
	greaseBytes = 0x9D
	greaseUint  = 0x11C
)

func properties(r *run) error {
	block := func(seed uint64, n int, more ...wire.KeyValue) wire.Properties {
		immutable := wire.AppendProperties(nil,
			wire.KeyValue{Type: greaseBytes, Bytes: pattern(seed+1, 30)}, wire.KeyValue{Type: greaseUint, Value: seed})
		return wire.AppendProperties(nil, append(more,
			wire.KeyValue{Type: wire.PropImmutable, Bytes: immutable},
			wire.KeyValue{Type: greaseBytes, Bytes: pattern(seed, n)},
			wire.KeyValue{Type: greaseBytes, Bytes: []byte{}}, // again, and empty
			wire.KeyValue{Type: greaseUint, Value: 1<<40 + seed})...)
	}
	ofTrack := block(1, 200, wire.KeyValue{Type: wire.PropPublisherPriority, Value: 77}, wire.KeyValue{Type: 1 << 20, Value: 5})
	s, err := r.present(ofTrack)
	if err != nil {
		return err
	}
	if got, _ := s.to.track.Properties(); string(got) != string(ofTrack) {
		return differ("properties of the track", ofTrack, got)
	}
	objects := []object{
		{id: 0, priority: 77, properties: block(3, 1), payload: pattern(1, 10)},
		{id: 1, priority: 77, payload: pattern(2, 10)}, // none beside those with some
		{id: 2, priority: 77, properties: block(4, 5000), payload: pattern(3, 10)},
		{id: 3, priority: 77, properties: block(5, 0)}, // and no payload
		{group: 1, id: 0, subgroup: 2, priority: 3, properties: block(6, 60), payload: pattern(4, 10)},
	}
	if err := newFeeder(s.track, objects).write(objects); err != nil {
		return err
	}
	s.track.Close(wire.DoneTrackEnded, "")
	if err := s.to.collect(objects); err != nil {
		return err
	}
	return s.to.check(objects)
}

// datagrams may be lost, but what comes is as it was sent.
func datagrams(r *run) error {
	s, err := r.present(wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropPublisherPriority, Value: 40}))
	if err != nil {
		return err
	}
	var objects []object
	for group := range uint64(3) {
		for id := range uint64(8) {
			o := object{group: group, id: id, datagram: true, priority: 40, payload: pattern(group*100+id, 20+40*int(id))}
			switch id {
			case 3:
				o.priority = 9
			case 5:
				o.properties = wire.AppendProperties(nil, wire.KeyValue{Type: greaseUint, Value: id}, wire.KeyValue{Type: greaseBytes, Bytes: pattern(id, 9)})
			case 7:
				o.endOfGroup = group == 0
				if group == 1 {
					o.status, o.payload = wire.ObjectEndOfGroup, nil
				}
			}
			objects = append(objects, o)
		}
	}
	if err := newFeeder(s.track, objects).write(objects); err != nil {
		return err
	}
	if err := s.to.collectSome(objects); err != nil {
		return err
	}
	came := slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return !slices.Contains(locations(s.to.got), o.location()) })
	if err := s.to.check(came); err != nil {
		return err
	}
	if len(came) < len(objects)/2 {
		return r.same("subscriber: ", objects, s.to.got)
	}
	return nil
}

// patience is how long the next of several datagrams may take before those that
// are missing are taken for lost.
const patience = time.Second

// collectSome takes objects until all have come, or for some time none.
func (v *receiver) collectSome(want []object) error {
	v.run.await("%s%d objects of track %q, by datagram", of(v.role), len(want), v.track.Name().Name)
	for len(v.got) < len(want) {
		ctx, cancel := v.run.ctx, context.CancelFunc(func() {})
		if len(v.got) > 0 {
			ctx, cancel = context.WithTimeoutCause(ctx, patience, errQuiet)
		}
		o, err := v.reader.Next(ctx)
		cancel()
		if err != nil {
			if context.Cause(ctx) == errQuiet || v.run.ctx.Err() == nil {
				return nil
			}
			return err
		}
		v.got = append(v.got, arrived(o))
	}
	return nil
}
