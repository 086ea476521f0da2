package moq_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// TestFailedUpdate: the refusal of an update comes before the end that it brings
// (moqt-18 §10.9.1), whatever the reason was.
func TestFailedUpdate(t *testing.T) {
	ids := func(n int) wire.Parameters {
		f := wire.RangeFilter{Type: wire.RangeObjectID}
		for i := range uint64(n) {
			f.Ranges = append(f.Ranges, wire.ValueRange{First: 2 * i, Last: 2 * i})
		}
		return wire.Parameters{RangeFilters: []wire.RangeFilter{f}}
	}
	other := ids(2)
	other.RangeFilters[0].Type = wire.RangeSubgroup
	past := wire.Filter{Type: wire.FilterAbsoluteRange, EndGroup: 1}
	for _, x := range []struct {
		name   string
		has    func(wire.Version) bool
		update wire.Parameters
		code   wire.RequestError
	}{
		{"too many ranges", func(v wire.Version) bool { return v.Has(wire.FeatureRangeFilters) }, ids(4), wire.RequestInvalidFilter},
		{"too many ranges together", func(v wire.Version) bool { return v.Has(wire.FeatureRangeFilters) }, other, wire.RequestInvalidFilter},
		{"range that has passed", func(v wire.Version) bool { return !v.Has(wire.FeatureFill) }, wire.Parameters{Filter: wire.Some(past)}, wire.RequestInvalidRange},
	} {
		t.Run(x.name, func(t *testing.T) {
			eachDraft(t, func(t *testing.T) {
				if !x.has(draftOf(t)) {
					return
				}
				synctest.Test(t, func(t *testing.T) {
					origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
					origin.AddTrack(track)
					group(t, track, 3, 1)
					p, _ := against(t, moq.Config{Handler: origin, MaxFilterRanges: 3}, false)
					first := wire.Parameters{}
					if draftOf(t).Has(wire.FeatureRangeFilters) {
						first = ids(2)
					}
					r := p.Subscribe(clock, first)
					peer.Expect[*wire.SubscribeOK](r)
					r.Update(x.update)
					r.ExpectError(x.code)
					r.ExpectDone(wire.DoneUpdateFailed)
					p.ExpectOpen()
				})
			})
		})
	}
}

// slowOrigin takes its time to answer a SUBSCRIBE.
type slowOrigin struct {
	*moq.Origin
	pause time.Duration
}

func (o slowOrigin) Serve(ctx context.Context, r moq.Request) {
	if _, ok := r.(*moq.SubscribeRequest); ok {
		time.Sleep(o.pause)
	}
	o.Origin.Serve(ctx, r)
}

// TestUpdatesOfPendingRequest: updates may follow a request at once. They are
// answered behind it, and other requests go on meanwhile.
func TestUpdatesOfPendingRequest(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			p, _ := against(t, moq.Config{Handler: slowOrigin{origin, 8 * time.Second}, MaxTokenCache: 1000}, false)
			r := p.Subscribe(clock, wire.Parameters{})
			priority := wire.Parameters{SubscriberPriority: wire.Some(uint8(9))}
			r.Update(priority)
			priority.AuthTokens = []wire.Token{{AliasType: wire.TokenRegister, Alias: 1, Value: []byte("x")}}
			r.Update(priority)
			synctest.Wait() // from draft 18 on another stream may be read before
			use := wire.Parameters{AuthTokens: []wire.Token{{AliasType: wire.TokenUseAlias, Alias: 1}}}
			status := p.Request(&wire.TrackStatus{RequestID: p.ID(), Track: clock, Params: use})
			peer.Expect[*wire.RequestOK](status)
			time.Sleep(time.Minute)
			peer.Expect[*wire.SubscribeOK](r)
			peer.Expect[*wire.RequestOK](r)
			peer.Expect[*wire.RequestOK](r)
			p.ExpectOpen()
		})
	})
}

// TestJoinBehindUpdate: a joining FETCH sees what the updates before it changed
// (moqt-18 §10.12.2).
func TestJoinBehindUpdate(t *testing.T) {
	withFeature(t, wire.FeatureJoiningFetch, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			group(t, track, 3, 2)
			a := asker{Origin: origin, asked: make(chan *moq.SubscribeRequest, 1), prepare: func(r *moq.SubscribeRequest) {
				r.Updated = func(wire.Parameters) { time.Sleep(time.Second / 2) }
			}}
			p, _ := against(t, moq.Config{Handler: a}, false)
			r := p.Subscribe(clock, wire.Parameters{Forward: wire.Some(false)})
			peer.Expect[*wire.SubscribeOK](r)
			r.Update(wire.Parameters{SubscriberPriority: wire.Some(uint8(1))}) // holds up the next one
			r.Update(wire.Parameters{Forward: wire.Some(true)})
			synctest.Wait()
			peer.Expect[*wire.FetchOK](p.Join(r, 0))
			if got := peer.Locations(p.Stream().Rest()); got != "3/0 3/1" {
				t.Errorf("joined with %s", got)
			}
		})
	})
}
