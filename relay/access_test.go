package relay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// door permits what a token says: "verb namespace", and who comes to come.
func door(_ context.Context, a relay.Action) (relay.Verdict, error) {
	if a.Verb == relay.VerbConnect {
		return relay.Verdict{}, nil
	}
	for _, t := range a.Tokens {
		if string(t.Value) == fmt.Sprintf("%s %s", a.Verb, a.Track.Namespace) {
			return relay.Verdict{}, nil
		}
	}
	return relay.Verdict{}, errors.New("no token for it")
}

func permits(list ...string) []wire.Token {
	var out []wire.Token
	for _, p := range list {
		out = append(out, wire.Token{AliasType: wire.TokenUseValue, Value: []byte(p)})
	}
	return out
}

// TestAuthorize: every request is asked about by itself, with the tokens of the
// session and its own, also one that an upstream subscription would serve at once.
func TestAuthorize(t *testing.T) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testAuthorize(t, v) })
		})
	}
}

func testAuthorize(t *testing.T, v wire.Version) {
	r := relay.New(relay.Config{Logger: quiet(), Authorize: door})
	t.Cleanup(r.Close)
	track := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"room"}, Name: "video"}, live.Options{})
	other := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"hall"}, Name: "video"}, live.Options{})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	origin.AddTrack(other)
	publisher := connect(t, r, v, moq.Config{Handler: origin, Tokens: permits("publish namespace room", "publish hall")})
	viewer := connect(t, r, v, moq.Config{Tokens: permits("subscribe room", "subscribe namespace room")})
	stranger := connect(t, r, v, moq.Config{})

	unauthorized := func(what string, err error) {
		t.Helper()
		if !isRequestError(err, &moq.RequestError{Code: wire.RequestUnauthorized}) {
			t.Errorf("%s: %v, want UNAUTHORIZED", what, err)
		}
	}
	permitted := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := publisher.PublishNamespace(t.Context(), wire.Namespace{"hall"})
	unauthorized("another namespace", err)
	_, err = publisher.PublishNamespace(t.Context(), wire.Namespace{"room"})
	permitted("its namespace", err)
	_, err = publisher.Publish(t.Context(), track, moq.PublishOptions{})
	unauthorized("PUBLISH, which the namespace does not imply", err)
	_, err = publisher.Publish(t.Context(), other, moq.PublishOptions{})
	permitted("PUBLISH of its track", err)

	_, err = viewer.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{})
	permitted("a subscription", err)
	_, err = stranger.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{})
	unauthorized("a subscription that the relay has already", err)
	own := moq.SubscribeOptions{Params: wire.Parameters{AuthTokens: permits("subscribe room")}}
	own.Params.AuthTokens[0].AliasType, own.Params.AuthTokens[0].Alias = wire.TokenRegister, 7
	_, err = stranger.Subscribe(t.Context(), track.Name(), own)
	permitted("a subscription with a token of its own", err)
	_, err = stranger.TrackStatus(t.Context(), track.Name())
	unauthorized("TRACK_STATUS", err)
	into := live.NewTrack(track.Name(), live.Options{})
	unauthorized("FETCH", stranger.Fetch(moq.FetchOptions{Into: into}).Wait(t.Context()))
	alias7 := wire.Parameters{AuthTokens: []wire.Token{{AliasType: wire.TokenUseAlias, Alias: 7}}}
	unauthorized("FETCH with a token for SUBSCRIBE", stranger.Fetch(moq.FetchOptions{Into: into, Params: alias7}).Wait(t.Context()))
	fetching := wire.Parameters{AuthTokens: permits("fetch room")}
	fetching.AuthTokens[0].AliasType, fetching.AuthTokens[0].Alias = wire.TokenRegister, 8
	unauthorized("TRACK_STATUS with a token for FETCH", func() error { _, err := stranger.TrackStatusBy(t.Context(), track.Name(), fetching); return err }())
	alias := wire.Parameters{AuthTokens: []wire.Token{{AliasType: wire.TokenUseAlias, Alias: 8}}}
	if err := stranger.Fetch(moq.FetchOptions{Into: into, Params: alias}).Wait(t.Context()); !isRequestError(err, &moq.RequestError{Code: wire.RequestInvalidRange}) {
		t.Errorf("FETCH with the token by its alias: %v, want INVALID_RANGE: there are no objects", err)
	}

	names := make(seen, 8)
	_, err = stranger.SubscribeNamespace(t.Context(), wire.Namespace{"room"}, names)
	unauthorized("SUBSCRIBE_NAMESPACE", err)
	_, err = stranger.SubscribeTracks(t.Context(), wire.Namespace{"room"}, wire.Parameters{}, nil)
	unauthorized("SUBSCRIBE_TRACKS", err)
	n, err := viewer.SubscribeNamespace(t.Context(), wire.Namespace{"room"}, names)
	permitted("SUBSCRIBE_NAMESPACE", err)
	if err == nil && v.Has(wire.FeatureSubscribeTracks) {
		unauthorized("another prefix", n.Update(t.Context(), wire.Namespace{"hall"}))
		<-n.Done()
	}
}
