package relay_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// aRelay is a client that says that it is a relay, tells a way, and has a track there.
type aRelay struct {
	routesOf
	origin *moq.Origin
}

func (h aRelay) Serve(ctx context.Context, r moq.Request) {
	if _, ok := r.(*moq.SubscribeNamespaceRequest); ok {
		h.routesOf.Serve(ctx, r)
		return
	}
	h.origin.Serve(ctx, r)
}

// TestToldWayEnds: what a relay that is not trusted tells of ends with the permission to
// publish it, also when its session goes on: with the time of its token, or when it is
// asked about again because others may do so from now on.
func TestToldWayEnds(t *testing.T) {
	for _, byTime := range []bool{true, false} {
		t.Run(map[bool]string{true: "its time", false: "another policy"}[byTime], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				began := time.Now()
				var closed atomic.Bool
				r := newRelay(t, relay.Config{ID: "here", Authorize: func(_ context.Context, a relay.Action) (relay.Verdict, error) {
					mine := slices.ContainsFunc(a.Tokens, func(t wire.Token) bool { return string(t.Value) == "publish" })
					switch {
					case a.Verb != relay.VerbPublishNamespace:
						return relay.Verdict{}, nil
					case !mine || closed.Load():
						return relay.Verdict{}, &moq.RequestError{Code: wire.RequestUnauthorized}
					case byTime && time.Since(began) >= 10*time.Second:
						return relay.Verdict{}, &moq.RequestError{Code: wire.RequestExpiredAuthToken}
					case byTime:
						return relay.Verdict{Until: began.Add(10 * time.Second)}, nil
					}
					return relay.Verdict{}, nil
				}})
				track := live.NewTrack(camera, live.Options{RetainGroups: 20})
				origin := moq.NewOrigin()
				origin.AddTrack(track)
				p := connect(t, r, wire.Draft18, moq.Config{
					Tokens: permits("publish"), Relay: wire.RelayOption{ID: "stranger"},
					Handler: aRelay{routesOf{camera.Namespace, wire.Route{Cost: 1, Hops: []string{"stranger"}}}, origin},
				})
				time.Sleep(time.Second)
				put(t, track, 0, 0)
				v := &viewer{t: t, session: connect(t, r, wire.Draft18, moq.Config{})}
				v.subscribe(moq.SubscribeOptions{})
				put(t, track, 1, 0)
				v.gets(wire.Location{Group: 1})
				if byTime {
					time.Sleep(time.Until(began.Add(10*time.Second + 100*time.Millisecond)))
				} else {
					closed.Store(true)
					r.Reconsider()
					time.Sleep(100 * time.Millisecond)
				}
				if ways := r.Routes(nil, 9); len(ways) > 0 {
					t.Errorf("there still is a way: %+v", ways)
				}
				put(t, track, 2, 0)
				v.none()
				if p.Context().Err() != nil {
					t.Error("the session ended")
				}
			})
		})
	}
}
