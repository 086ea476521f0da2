package relay_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// hours permits everything for as long as the longest token says, in seconds since
// the test began; without a token nothing but to come.
func hours() relay.Authorizer {
	began := time.Now()
	return func(_ context.Context, a relay.Action) (relay.Verdict, error) {
		var until time.Time
		for _, t := range a.Tokens {
			n, err := strconv.Atoi(string(t.Value))
			if err != nil {
				return relay.Verdict{}, &moq.RequestError{Code: wire.RequestMalformedAuthToken}
			}
			if end := began.Add(time.Duration(n) * time.Second); end.After(until) {
				until = end
			}
		}
		switch {
		case !until.IsZero() && !until.After(time.Now()):
			return relay.Verdict{}, &moq.RequestError{Code: wire.RequestExpiredAuthToken}
		case until.IsZero() && a.Verb != relay.VerbConnect:
			return relay.Verdict{}, errors.New("no token")
		}
		return relay.Verdict{Until: until}, nil
	}
}

func with(tokens ...string) moq.SubscribeOptions {
	return moq.SubscribeOptions{Params: wire.Parameters{AuthTokens: permits(tokens...)}}
}

// notLetIn wants a session with tokens to be closed with a code, while it is made or
// at once.
func notLetIn(t *testing.T, r *relay.Relay, tokens []wire.Token, code wire.SessionError) {
	t.Helper()
	near, far := transport.MemoryPair(wire.Draft18.String())
	go r.ServeConn(far)
	s, err := moq.NewSession(t.Context(), near, moq.Config{Tokens: tokens, Logger: quiet()})
	if err == nil {
		closes(t, s, code, time.Now())
		return
	}
	var e *transport.CloseError
	if !errors.As(err, &e) || e.Code != uint64(code) {
		t.Errorf("no session: %v, want %v", err, code)
	}
}

// closes wants a session to end with a code, at a time.
func closes(t *testing.T, s *moq.Session, code wire.SessionError, at time.Time) {
	t.Helper()
	select {
	case <-s.Context().Done():
	case <-time.After(5 * time.Minute):
		t.Fatal("the session does not end")
	}
	var e *transport.CloseError
	if !errors.As(context.Cause(s.Context()), &e) || e.Code != uint64(code) {
		t.Errorf("the session ended with %v, want %v", context.Cause(s.Context()), code)
	}
	if late := time.Since(at); late < 0 || late > time.Second {
		t.Errorf("the session ended %v after its time", late)
	}
}

// TestPermissionEnds: a subscription ends with the permission of its own token, while
// another one of the same track goes on, and one whose REQUEST_UPDATE brings a
// token goes on for as long as that says.
func TestPermissionEnds(t *testing.T) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), func(t *testing.T) { bubble(t, func(t *testing.T) { testPermissionEnds(t, v) }) })
	}
}

func testPermissionEnds(t *testing.T, version wire.Version) {
	began := time.Now()
	r := newRelay(t, relay.Config{Authorize: hours()})
	track := live.NewTrack(camera, live.Options{RetainGroups: 20})
	origin := moq.NewOrigin()
	origin.AddTrack(track)
	publisher := connect(t, r, version, moq.Config{Handler: origin, Tokens: permits("3600")})
	if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
		t.Fatal(err)
	}
	viewer := func(o moq.SubscribeOptions) *viewer {
		v := &viewer{t: t, session: connect(t, r, version, moq.Config{})}
		v.subscribe(o)
		return v
	}
	short, long, renewed := viewer(with("10")), viewer(with("100")), viewer(with("10"))
	go produce(t.Context(), t, track, 5, 200*time.Millisecond, 10)
	time.Sleep(5 * time.Second)
	if err := renewed.sub.Update(t.Context(), wire.Parameters{AuthTokens: permits("20")}); err != nil {
		t.Fatal(err)
	}
	short.ends(wire.DoneExpired)
	if at := time.Since(began); at < 10*time.Second || at > 11*time.Second {
		t.Errorf("ended after %v, want 10 s", at)
	}
	if _, err := short.session.Subscribe(t.Context(), camera, with("10")); !isRequestError(err, &moq.RequestError{Code: wire.RequestExpiredAuthToken}) {
		t.Errorf("asked again: %v, want EXPIRED_AUTH_TOKEN", err)
	}
	if short.session.Context().Err() != nil {
		t.Error("the session ended with its subscription")
	}
	long.goesOn()
	renewed.goesOn()
	renewed.ends(wire.DoneExpired)
	if at := time.Since(began); at < 20*time.Second || at > 21*time.Second {
		t.Errorf("the renewed one ended after %v, want 20 s", at)
	}
	long.goesOn()
	err := long.sub.Update(t.Context(), wire.Parameters{AuthTokens: permits("20")})
	if !isRequestError(err, &moq.RequestError{Code: wire.RequestExpiredAuthToken}) {
		t.Errorf("an update with a token that is over: %v", err)
	}
	long.ends(wire.DoneUpdateFailed)
}

// TestSessionPermissionEnds: a session ends with the token of its SETUP, unless
// something of it is permitted for longer by a token of its own; it does then
// with that.
func TestSessionPermissionEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		began := time.Now()
		r := newRelay(t, relay.Config{Authorize: hours()})
		origin := moq.NewOrigin()
		origin.AddTrack(live.NewTrack(camera, live.Options{}))
		publisher := connect(t, r, wire.Draft18, moq.Config{Handler: origin, Tokens: permits("3600")})
		if _, err := publisher.PublishNamespace(t.Context(), camera.Namespace); err != nil {
			t.Fatal(err)
		}
		idle := connect(t, r, wire.Draft18, moq.Config{Tokens: permits("10")})
		watching := &viewer{t: t, session: connect(t, r, wire.Draft18, moq.Config{Tokens: permits("10")})}
		watching.subscribe(moq.SubscribeOptions{})
		renewed := &viewer{t: t, session: connect(t, r, wire.Draft18, moq.Config{Tokens: permits("10")})}
		renewed.subscribe(moq.SubscribeOptions{})
		stranger := connect(t, r, wire.Draft18, moq.Config{})
		if err := renewed.sub.Update(t.Context(), wire.Parameters{AuthTokens: permits("70")}); err != nil {
			t.Fatal(err)
		}
		closes(t, idle, wire.SessionExpiredAuthToken, began.Add(10*time.Second))
		closes(t, watching.session, wire.SessionExpiredAuthToken, began.Add(10*time.Second))
		renewed.goesOn()
		closes(t, renewed.session, wire.SessionExpiredAuthToken, began.Add(70*time.Second))
		if err := stranger.Context().Err(); err != nil {
			t.Errorf("a session without a token ended: %v", context.Cause(stranger.Context()))
		}
		notLetIn(t, r, permits("10"), wire.SessionExpiredAuthToken)
		notLetIn(t, r, permits("?"), wire.SessionMalformedAuthToken)
	})
}
