package moq_test

import (
	"context"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// latecomer provides a track whose objects come while a subscriber waits for the answer.
type latecomer struct{ track *live.Track }

// Serve implements moq.Handler.
func (l latecomer) Serve(_ context.Context, r moq.Request) {
	s, ok := r.(*moq.SubscribeRequest)
	if !ok {
		r.Reject(wire.RequestNotSupported, "", wire.Option[time.Duration]{})
		return
	}
	w, err := l.track.OpenSubgroup(live.SubgroupInfo{FirstObject: true, EndOfGroup: true})
	if err == nil {
		err = w.Append(live.WholeObject{Payload: []byte("x")})
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		l.track.Close(wire.DoneTrackEnded, "")
	}
	s.AcceptFrom(l.track, wire.Option[wire.Location]{})
}

// Who waited for a track gets what was published since it was there, also when the
// track has ended before the answer.
func TestAcceptFrom(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		subscriber, _ := pair(t, moq.Config{}, moq.Config{Handler: latecomer{live.NewTrack(clock, live.Options{})}})
		sub, err := subscriber.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if l, any := sub.Largest(); any {
			t.Errorf("the track is said to be at %v", l)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		reader := sub.Track().NewReader(wire.Location{})
		defer reader.Close()
		if o, err := reader.Next(ctx); err != nil || string(o.Payload()) != "x" {
			t.Errorf("got %v, %v", o, err)
		}
	})
}
