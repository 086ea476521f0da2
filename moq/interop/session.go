package interop

import (
	"context"
	"fmt"
	"sync"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// What fills the link in priorities: the window of the subscriber is a small
// part of the video, so most of that waits at the relay when the audio comes.
const (
	floodWindow  = 96 << 10
	videoObjects = 200
	videoSize    = 16 << 10
	audioObjects = 20
	audioSize    = 200
)

// priorities shuts the link of a subscriber, floods the relay with video and
// then gives it audio, of which a witness tells that it has arrived there. When
// the link opens, audio must not wait for the video that is still at the relay:
// no more than what was already on its way may come before it, for which half
// of the video is more than enough.
func priorities(r *run) error {
	o := newOffer()
	video := o.track(wire.FullTrackName{Namespace: r.namespace(), Name: "video"}, nil)
	audio := o.track(wire.FullTrackName{Namespace: r.namespace(), Name: "audio"}, nil)
	if _, _, err := r.publish("publisher", o, r.namespace()); err != nil {
		return err
	}
	full := link{gate: new(gate), window: floodWindow}
	witness, err := r.both("witness", link{}, video, audio)
	if err != nil {
		return err
	}
	slow, err := r.both("subscriber", full, video, audio)
	if err != nil {
		return err
	}
	for _, t := range []*live.Track{video, audio} {
		if err := o.subscribed(r, t); err != nil {
			return err
		}
	}
	full.gate.shut()
	opened := sync.OnceFunc(full.gate.open)
	defer opened()
	for _, f := range []struct {
		track   *live.Track
		to      *receiver
		objects []object
	}{
		{video, witness.video, flood(200, videoObjects, videoSize)},
		{audio, witness.audio, flood(10, audioObjects, audioSize)},
	} {
		if err := newFeeder(f.track, f.objects).write(f.objects); err != nil {
			return err
		}
		if err := f.to.take(f.objects); err != nil {
			return err
		}
		if err := f.to.check(f.objects); err != nil {
			return err
		}
	}
	opened()
	want := flood(10, audioObjects, audioSize)
	if err := slow.audio.take(want); err != nil {
		return err
	}
	if err := slow.audio.check(want); err != nil {
		return err
	}
	ahead := overtaken(slow.video.track, slow.audio.track)
	r.step(fmt.Sprintf("%d of %d video objects came before the last audio object", ahead, videoObjects))
	if ahead > videoObjects/2 {
		return &failure{
			expected: fmt.Sprintf("at most %d of %d video objects before the last audio object", videoObjects/2, videoObjects),
			received: fmt.Sprintf("%d", ahead), message: "the more important track waits for the other",
		}
	}
	return nil
}

// tracks are the two of priorities as one subscriber gets them.
type tracks struct{ video, audio *receiver }

func (r *run) both(role string, l link, video, audio *live.Track) (tracks, error) {
	var t tracks
	s, err := r.connect(role, l)
	if err != nil {
		return t, err
	}
	ask := func(track *live.Track, priority uint8) (*receiver, error) {
		return r.subscribe(role, s, track.Name(), moq.SubscribeOptions{Params: wire.Parameters{SubscriberPriority: wire.Some(priority)}})
	}
	if t.video, err = ask(video, 200); err == nil {
		t.audio, err = ask(audio, 10)
	}
	return t, err
}

// flood makes one group of objects of the same size.
func flood(priority uint8, count, size int) []object {
	var objects []object
	for id := range count {
		objects = append(objects, object{id: uint64(id), priority: priority, payload: pattern(uint64(id), size)})
	}
	return objects
}

// overtaken counts the objects of a that began before the last of b did.
func overtaken(a, b *live.Track) int {
	var last *live.Object
	each(b, func(o *live.Object) {
		if last == nil || last.Arrived.Before(o.Arrived) {
			last = o
		}
	})
	n := 0
	each(a, func(o *live.Object) {
		if last != nil && o.Arrived.Before(last.Arrived) {
			n++
		}
	})
	return n
}

// each calls f for the objects that a track has, complete or not.
func each(t *live.Track, f func(*live.Object)) {
	feed := t.NewFeed(wire.Location{})
	for s, ok := feed.Subgroup(); ok; s, ok = feed.Subgroup() {
		for o, _, _ := s.Next(0); o != nil; o, _, _ = s.Next(o.ID + 1) {
			f(o)
		}
	}
}

// goaway has a publisher say GOAWAY, which a relay has to survive, as any
// server has (moqt-18 §3.6, §10.4): the subscription that there is goes on, the
// publisher may come back with another session, and what is asked for from then
// on is asked for there, as the old session takes no new requests.
func goaway(r *run) error {
	o := newOffer()
	ns := r.namespace()
	kept := o.track(wire.FullTrackName{Namespace: ns, Name: testTrack}, nil)
	moved := o.track(wire.FullTrackName{Namespace: ns, Name: testTrack + "-2"}, nil)
	leaving, _, err := r.publish("publisher_1", o, ns)
	if err != nil {
		return err
	}
	s, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	objects := past(0, 1, 2)
	feed := newFeeder(kept, objects)
	to, err := r.subscribe("subscriber", s, kept.Name(), moq.SubscribeOptions{})
	if err != nil {
		return err
	}
	if err := o.subscribed(r, kept); err != nil {
		return err
	}
	send := func(group uint64) error {
		if err := feed.write(between(objects, wire.Location{Group: group}, wire.Location{Group: group, Object: 1 << 20})); err != nil {
			return err
		}
		upTo := between(objects, wire.Location{}, wire.Location{Group: group, Object: 1 << 20})
		if err := to.take(upTo); err != nil {
			return err
		}
		return to.check(upTo)
	}
	if err := send(0); err != nil {
		return err
	}
	if err := leaving.Goaway("", 0); err != nil {
		return err
	}
	if err := send(1); err != nil {
		return err
	}
	if _, _, err := r.publish("publisher_2", o, ns); err != nil {
		return err
	}
	other, err := r.subscribe("subscriber", s, moved.Name(), moq.SubscribeOptions{})
	if err != nil {
		return err
	}
	if err := o.subscribed(r, moved); err != nil {
		return err
	}
	one := past(7)
	if err := newFeeder(moved, one).write(one); err != nil {
		return err
	}
	moved.Close(wire.DoneTrackEnded, "")
	if err := other.collect(one); err != nil {
		return err
	}
	if err := other.check(one); err != nil {
		return err
	}
	if err := send(2); err != nil {
		return err
	}
	kept.Close(wire.DoneTrackEnded, "")
	if err := to.collect(objects); err != nil {
		return err
	}
	return to.check(objects)
}

// events are what a namespace subscription tells, in order.
type events chan string

// NamespaceAdded implements moq.NamespaceEvents.
func (e events) NamespaceAdded(ns wire.Namespace) { e.tell("NAMESPACE " + ns.String()) }

// NamespaceRemoved implements moq.NamespaceEvents.
func (e events) NamespaceRemoved(ns wire.Namespace) { e.tell("NAMESPACE_DONE " + ns.String()) }

// tell drops what nobody asks for: more events than the case knows of.
func (e events) tell(what string) {
	select {
	case e <- what:
	default:
	}
}

func namespaces(r *run) error {
	o := newOffer()
	before, after := r.namespace("before"), r.namespace("after", "that")
	s, withdraw, err := r.publish("publisher", o, before)
	if err != nil {
		return err
	}
	watcher, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	told := make(events, 16)
	r.await("REQUEST_OK for SUBSCRIBE_NAMESPACE %s", r.namespace())
	if _, err := watcher.SubscribeNamespace(r.ctx, r.namespace(), told); err != nil {
		return err
	}
	if err := told.expect(r, "NAMESPACE "+before.String()); err != nil {
		return err
	}
	r.await("REQUEST_OK for PUBLISH_NAMESPACE %s", after)
	if _, err := s.PublishNamespace(r.ctx, after); err != nil {
		return err
	}
	if err := told.expect(r, "NAMESPACE "+after.String()); err != nil {
		return err
	}
	withdraw.Close()
	return told.expect(r, "NAMESPACE_DONE "+before.String())
}

// expect waits for the next event.
func (e events) expect(r *run, want string) error {
	r.await("subscriber: %s", want)
	select {
	case got := <-e:
		if got != want {
			return &failure{expected: want, received: got, message: "the relay tells of another namespace"}
		}
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}
