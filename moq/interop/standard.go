package interop

import (
	"context"
	"errors"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// The names that the runner's specification gives to its cases, and how long
// its publisher stays away in subscribe-before-announce.
var (
	testNamespace    = wire.Namespace{"moq-test", "interop"}
	missingNamespace = wire.Namespace{"nonexistent", "namespace"}
)

const (
	testTrack      = "test-track"
	publisherDelay = 500 * time.Millisecond
)

func setupOnly(r *run) error {
	_, err := r.connect("", link{})
	return err
}

func announceOnly(r *run) error {
	_, _, err := r.publish("", newOffer(), testNamespace)
	return err
}

// publishNamespaceDone also gives the relay a moment in which it must not
// close the session.
func publishNamespaceDone(r *run) error {
	s, p, err := r.publish("", newOffer(), testNamespace)
	if err != nil {
		return err
	}
	r.await("nothing: the namespace is withdrawn")
	p.Close()
	select {
	case <-p.Done():
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	select {
	case <-time.After(100 * time.Millisecond):
		return nil
	case <-s.Context().Done():
		return context.Cause(s.Context())
	}
}

func subscribeError(r *run) error {
	s, err := r.connect("", link{})
	if err != nil {
		return err
	}
	r.await("REQUEST_ERROR")
	sub, err := s.Subscribe(r.ctx, wire.FullTrackName{Namespace: missingNamespace, Name: testTrack}, moq.SubscribeOptions{})
	if err == nil {
		sub.Close()
		return &failure{expected: r.awaited, received: "SUBSCRIBE_OK", message: "unexpected success"}
	}
	return refusal(err)
}

// refusal turns a REQUEST_ERROR into success.
func refusal(err error) error {
	var refused *moq.RequestError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

func announceSubscribe(r *run) error {
	o := newOffer()
	track := o.track(wire.FullTrackName{Namespace: testNamespace, Name: testTrack}, nil)
	if _, _, err := r.publish("publisher", o, testNamespace); err != nil {
		return err
	}
	s, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	_, err = r.subscribe("subscriber", s, track.Name(), moq.SubscribeOptions{})
	return err
}

func subscribeBeforeAnnounce(r *run) error {
	s, err := r.connect("subscriber", link{})
	if err != nil {
		return err
	}
	o := newOffer()
	track := o.track(wire.FullTrackName{Namespace: testNamespace, Name: testTrack}, nil)
	answer := make(chan error, 1)
	go func() {
		_, err := s.Subscribe(r.ctx, track.Name(), moq.SubscribeOptions{})
		answer <- err
	}()
	select {
	case <-time.After(publisherDelay):
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	if _, _, err := r.publish("publisher", o, testNamespace); err != nil {
		return err
	}
	r.await("subscriber: SUBSCRIBE_OK or REQUEST_ERROR")
	select {
	case err := <-answer:
		return refusal(err)
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}
