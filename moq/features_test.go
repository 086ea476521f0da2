package moq_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// withFeature runs a test on the drafts that have a feature.
func withFeature(t *testing.T, f wire.Feature, test func(t *testing.T)) {
	ran := false
	for _, v := range wire.Versions() {
		if v.Has(f) {
			ran = true
			t.Run(v.String(), test)
		}
	}
	if !ran {
		t.Error("no draft has it")
	}
}

// asker hands the requests that it gets to the test, then to an origin.
type asker struct {
	*moq.Origin
	prepare func(*moq.SubscribeRequest)
	asked   chan *moq.SubscribeRequest
}

func (a asker) Serve(ctx context.Context, r moq.Request) {
	if s, ok := r.(*moq.SubscribeRequest); ok {
		if a.prepare != nil {
			a.prepare(s)
		}
		a.Origin.Serve(ctx, r)
		a.asked <- s
		return
	}
	a.Origin.Serve(ctx, r)
}

// TestFill: FILL_PARAMETERS bring the past on a stream of their own, at the
// start of a subscription and by an update, which the end of the subscription counts.
func TestFill(t *testing.T) {
	withFeature(t, wire.FeatureFill, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{RetainGroups: 10})
			origin.AddTrack(track)
			for id := range uint64(6) {
				group(t, track, id, 3)
			}
			type filled struct{ first, last wire.Location }
			fills := make(chan filled, 4)
			a := asker{Origin: origin, asked: make(chan *moq.SubscribeRequest, 1), prepare: func(r *moq.SubscribeRequest) {
				r.Fill = func(first, last wire.Location) { fills <- filled{first, last} }
			}}
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: a})
			into := live.NewTrack(clock, live.Options{RetainGroups: 10})
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Into: into, JoinGroups: wire.Some(uint64(1))})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := <-fills, (filled{wire.Location{Group: 4}, wire.Location{Group: 5, Object: 2}}); got != want {
				t.Errorf("fills %v, want %v", got, want)
			}
			if err := sub.Join().Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := into.NewReader(wire.Location{})
			defer r.Close()
			expect(t, r, "4/0", "4/1", "4/2", "5/0", "5/1", "5/2")
			group(t, track, 6, 1)
			expect(t, r, "6/0")
			track.Close(wire.DoneTrackEnded, "over")
			<-sub.Done() // all streams that PUBLISH_DONE counts were seen: the fill among them
			if sub.Lost() {
				t.Error("lost")
			}
		})
	})
}

// TestFillOfNothing: without objects there is no fill and no wait for it.
func TestFillOfNothing(t *testing.T) {
	withFeature(t, wire.FeatureFill, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
			if err != nil {
				t.Fatal(err)
			}
			if err := sub.Join().Wait(t.Context()); !refused(err, wire.RequestInvalidRange) {
				t.Errorf("join of nothing: %v", err)
			}
		})
	})
}

// TestRangeFilters: objects that do not pass are not sent; an update replaces
// filters by their type.
func TestRangeFilters(t *testing.T) {
	withFeature(t, wire.FeatureRangeFilters, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{RetainGroups: 10})
			origin.AddTrack(track)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin, MaxFilterRanges: 2})
			ids := func(ranges ...wire.ValueRange) wire.Parameters {
				return wire.Parameters{RangeFilters: []wire.RangeFilter{{Type: wire.RangeObjectID, Ranges: ranges}}}
			}
			tooMany := ids(wire.ValueRange{First: 1, Last: 1}, wire.ValueRange{First: 3, Last: 3}, wire.ValueRange{First: 5, Last: 5})
			if _, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: tooMany}); !refused(err, wire.RequestInvalidFilter) {
				t.Errorf("three ranges: %v, want INVALID_FILTER", err)
			}
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: ids(wire.ValueRange{First: 1, Last: 1}, wire.ValueRange{First: 4, Last: 1 << 40})})
			if err != nil {
				t.Fatal(err)
			}
			r := sub.Track().NewReader(wire.Location{})
			defer r.Close()
			group(t, track, 1, 6)
			expect(t, r, "1/1", "1/4", "1/5")
			if err := sub.Update(t.Context(), ids(wire.ValueRange{First: 0, Last: 0})); err != nil {
				t.Fatal(err)
			}
			group(t, track, 2, 3)
			expect(t, r, "2/0")
			synctest.Wait() // the others have been passed over
			if err := sub.Update(t.Context(), ids()); err != nil {
				t.Fatal(err)
			}
			group(t, track, 3, 2)
			expect(t, r, "3/0", "3/1")
		})
	})
}

// TestStateNotify: a publisher tells of a change by itself.
func TestStateNotify(t *testing.T) {
	withFeature(t, wire.FeatureStateNotify, func(t *testing.T) {
		origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
		origin.AddTrack(track)
		group(t, track, 1, 2)
		a := asker{Origin: origin, asked: make(chan *moq.SubscribeRequest, 1)}
		client, _ := pair(t, moq.Config{}, moq.Config{Handler: a})
		told := make(chan wire.Parameters, 1)
		if _, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Notified: func(p wire.Parameters) { told <- p }}); err != nil {
			t.Fatal(err)
		}
		if err := (<-a.asked).Notify(wire.Parameters{Forward: wire.Some(false)}); err != nil {
			t.Fatal(err)
		}
		if p := <-told; p.Forward != wire.Some(false) || p.LargestObject != wire.Some(wire.Location{Group: 1, Object: 1}) {
			t.Errorf("told %+v", p)
		}
	})
}

// TestRequestGoaway: one request is asked to move, the session goes on; after
// the timeout the request is cancelled.
func TestRequestGoaway(t *testing.T) {
	withFeature(t, wire.FeatureRequestGoaway, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			a := asker{Origin: origin, asked: make(chan *moq.SubscribeRequest, 1)}
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: a})
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := (<-a.asked).Goaway("moqt://elsewhere", 3*time.Second); err != nil {
				t.Fatal(err)
			}
			if g := <-sub.Goaway(); g.URI != "moqt://elsewhere" || g.Timeout != 3*time.Second {
				t.Errorf("told %+v", g)
			}
			start := time.Now()
			<-sub.Done()
			if waited := time.Since(start); waited < 3*time.Second || !sub.Lost() {
				t.Errorf("over after %v, lost %v", waited, sub.Lost())
			}
			if _, err := client.TrackStatus(t.Context(), clock); err != nil {
				t.Errorf("the session: %v", err)
			}
		})
	})
}

// TestSharedTracks: from draft 19 on a session may have a track twice, and gets
// each object once for each subscription.
func TestSharedTracks(t *testing.T) {
	withFeature(t, wire.FeatureSharedTracks, func(t *testing.T) {
		origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
		origin.AddTrack(track)
		client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
		var readers []*live.Reader
		for range 2 {
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer sub.Close()
			r := sub.Track().NewReader(wire.Location{})
			defer r.Close()
			readers = append(readers, r)
		}
		group(t, track, 1, 2)
		for _, r := range readers {
			expect(t, r, "1/0", "1/1")
		}
	})
}

// TestRequestCredit: in draft 16 requests go on beyond the first
// MAX_REQUEST_ID as others end, and wait while none does.
func TestRequestCredit(t *testing.T) {
	withFeature(t, wire.FeatureControlStream, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			for range 1200 {
				if _, err := client.TrackStatus(t.Context(), clock); err != nil {
					t.Fatal(err)
				}
			}
			// The client is a subscriber alone: the server may ask it as well, up to its limit.
			for i := range 1100 {
				name := wire.FullTrackName{Namespace: wire.Namespace{"none"}, Name: fmt.Sprint(i)}
				if _, err := client.Subscribe(t.Context(), name, moq.SubscribeOptions{}); !refused(err, wire.RequestDoesNotExist) {
					t.Fatal(err)
				}
			}
		})
	})
}

// TestTokenAliases: a registered token is known by its alias until it is deleted.
func TestTokenAliases(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
		origin.AddTrack(track)
		tokens := make(chan []wire.Token, 1)
		a := asker{Origin: origin, asked: make(chan *moq.SubscribeRequest, 8), prepare: func(r *moq.SubscribeRequest) { tokens <- r.Params.AuthTokens }}
		client, _ := pair(t, moq.Config{Tokens: []wire.Token{{AliasType: wire.TokenRegister, Alias: 9, TokenType: 1, Value: []byte("setup")}}},
			moq.Config{Handler: a, MaxTokenCache: 64})
		subscribe := func(list ...wire.Token) []wire.Token {
			t.Helper()
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: wire.Parameters{AuthTokens: list}})
			if err != nil {
				t.Fatal(err)
			}
			<-a.asked
			sub.Close()
			return <-tokens
		}
		register := wire.Token{AliasType: wire.TokenRegister, Alias: 4, TokenType: 2, Value: []byte("secret")}
		for _, c := range []struct {
			sent wire.Token
			want string
		}{
			{wire.Token{AliasType: wire.TokenUseAlias, Alias: 9}, "setup"},
			{register, "secret"},
			{wire.Token{AliasType: wire.TokenUseAlias, Alias: 4}, "secret"},
			{wire.Token{AliasType: wire.TokenUseValue, TokenType: 3, Value: []byte("once")}, "once"},
			{wire.Token{AliasType: wire.TokenDelete, Alias: 4}, ""},
			{register, "secret"},
		} {
			got := ""
			for _, token := range subscribe(c.sent) {
				if token.AliasType != wire.TokenUseValue {
					t.Errorf("%v: handed on as %v", c.sent.AliasType, token.AliasType)
				}
				got += string(token.Value)
			}
			if got != c.want {
				t.Errorf("%v %d: got %q, want %q", c.sent.AliasType, c.sent.Alias, got, c.want)
			}
		}
	})
}

// TestPrefixUpdate: a namespace subscription goes on below another prefix.
func TestPrefixUpdate(t *testing.T) {
	withFeature(t, wire.FeatureSubscribeTracks, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin := moq.NewOrigin()
			for _, ns := range []wire.Namespace{{"a", "1"}, {"a", "2"}, {"b", "1"}} {
				origin.AddNamespace(ns)
			}
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			events := make(namespaces, 16)
			n, err := client.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, events)
			if err != nil {
				t.Fatal(err)
			}
			told := func(want ...string) {
				t.Helper()
				for _, w := range want {
					if got := <-events; got != w {
						t.Errorf("told %q, want %q", got, w)
					}
				}
			}
			told("+a-1", "+a-2")
			if err := n.Update(t.Context(), wire.Namespace{"b"}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := map[string]bool{<-events: true, <-events: true}; !got["-a-1"] || !got["-a-2"] {
				t.Errorf("told %v, want the end of the old ones", got)
			}
			told("+b-1")
			origin.AddNamespace(wire.Namespace{"a", "3"})
			origin.AddNamespace(wire.Namespace{"b", "2"})
			origin.RemoveNamespace(wire.Namespace{"b", "1"})
			synctest.Wait()
			if got := map[string]bool{<-events: true, <-events: true}; !got["-b-1"] || !got["+b-2"] {
				t.Errorf("told %v", got)
			}
			synctest.Wait()
			if len(events) > 0 {
				t.Errorf("told %q as well", <-events)
			}
		})
	})
}
