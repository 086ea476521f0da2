package moq_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// namespaces collects events.
type namespaces chan string

func (n namespaces) NamespaceAdded(ns wire.Namespace)   { n <- "+" + ns.String() }
func (n namespaces) NamespaceRemoved(ns wire.Namespace) { n <- "-" + ns.String() }

func TestNamespaces(t *testing.T) { eachDraft(t, testNamespaces) }

func testNamespaces(t *testing.T) {
	origin := moq.NewOrigin()
	origin.AddNamespace(wire.Namespace{"a", "one"})
	origin.AddNamespace(wire.Namespace{"b"})
	client, server := pair(t, moq.Config{}, moq.Config{Handler: origin})
	events := make(namespaces, 10)
	sub, err := client.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, events)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-events; got != "+a-one" {
		t.Errorf("got %s", got)
	}
	origin.AddNamespace(wire.Namespace{"a", "two"})
	origin.RemoveNamespace(wire.Namespace{"a", "one"})
	if got := []string{<-events, <-events}; !slices.Contains(got, "+a-two") || !slices.Contains(got, "-a-one") {
		t.Errorf("got %v", got)
	}
	if _, err := client.SubscribeNamespace(t.Context(), wire.Namespace{"a", "two"}, events); !refused(err, wire.RequestPrefixOverlap) {
		t.Errorf("overlapping prefix: %v, want PREFIX_OVERLAP", err)
	}
	sub.Close()
	<-sub.Done()
	if got := <-events; got != "-a-two" {
		t.Errorf("after Close: %s", got)
	}
	if _, err := server.PublishNamespace(t.Context(), wire.Namespace{"x"}); !refused(err, wire.RequestNotSupported) {
		t.Errorf("without a handler: %v, want NOT_SUPPORTED", err)
	}
}

func refused(err error, code wire.RequestError) bool {
	return errors.Is(err, &moq.RequestError{Code: code})
}

func TestSubscribeRefusals(t *testing.T) { eachDraft(t, testSubscribeRefusals) }

func testSubscribeRefusals(t *testing.T) {
	origin := moq.NewOrigin()
	track := live.NewTrack(clock, live.Options{})
	origin.AddTrack(track)
	group(t, track, 5, 3)
	client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
	missing := wire.FullTrackName{Namespace: clock.Namespace, Name: "missing"}
	if _, err := client.Subscribe(t.Context(), missing, moq.SubscribeOptions{}); !refused(err, wire.RequestDoesNotExist) {
		t.Errorf("missing track: %v, want DOES_NOT_EXIST", err)
	}
	if _, err := client.TrackStatus(t.Context(), wire.FullTrackName{Namespace: wire.Namespace{".session"}, Name: "x"}); !refused(err, wire.RequestDoesNotExist) {
		t.Errorf("session-level track: %v, want DOES_NOT_EXIST", err)
	}
	past := wire.Parameters{Filter: wire.Some(wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 1}, EndGroup: 2})}
	old, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: past})
	if draftOf(t).Has(wire.FeatureFill) { // a subscription to the past is an empty one
		if err != nil {
			t.Fatal(err)
		}
		old.Close()
	} else if !refused(err, wire.RequestInvalidRange) {
		t.Errorf("range in the past: %v, want INVALID_RANGE", err)
	}
	if _, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = client.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
	if shared := draftOf(t).Has(wire.FeatureSharedTracks); shared != (err == nil) || !shared && !refused(err, wire.RequestDuplicateSubscription) {
		t.Errorf("second subscription: %v, want DUPLICATE_SUBSCRIPTION", err)
	}
	status, err := client.TrackStatus(t.Context(), clock)
	if err != nil || status.Largest != wire.Some(wire.Location{Group: 5, Object: 2}) {
		t.Errorf("status %+v, error %v", status, err)
	}
}

// TestFilters: what passes each kind of filter.
func TestFilters(t *testing.T) { eachDraft(t, testFilters) }

func testFilters(t *testing.T) {
	tests := []struct {
		name   string
		filter wire.Filter
		want   []string
	}{
		{"largest object", wire.Filter{Type: wire.FilterLargestObject}, []string{"6/0", "6/1", "7/0", "7/1", "8/0"}},
		{"next group", wire.Filter{Type: wire.FilterNextGroup}, []string{"6/0", "6/1", "7/0", "7/1", "8/0"}},
		{"absolute start", wire.Filter{Type: wire.FilterAbsoluteStart, Start: wire.Location{Group: 7, Object: 1}}, []string{"7/1", "8/0"}},
		{"absolute range", wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 6, Object: 1}, EndGroup: 7}, []string{"6/1", "7/0", "7/1"}},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			origin := moq.NewOrigin()
			track := live.NewTrack(clock, live.Options{RetainGroups: 10})
			origin.AddTrack(track)
			group(t, track, 5, 3)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
			sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: wire.Parameters{Filter: wire.Some(x.filter)}})
			if err != nil {
				t.Fatal(err)
			}
			r := sub.Track().NewReader(wire.Location{})
			defer r.Close()
			group(t, track, 6, 2)
			group(t, track, 7, 2)
			group(t, track, 8, 1)
			track.Close(wire.DoneTrackEnded, "")
			var got []string
			for {
				o, err := r.Next(t.Context())
				if err != nil {
					break
				}
				got = append(got, o.Location().String())
			}
			slices.Sort(got)
			if !slices.Equal(got, x.want) {
				t.Errorf("got %v, want %v", got, x.want)
			}
		})
	}
}

// TestForward: nothing comes while the forward state is 0, and all that is
// published after it is 1 again.
func TestForward(t *testing.T) { eachDraft(t, testForward) }

func testForward(t *testing.T) {
	origin := moq.NewOrigin()
	track := live.NewTrack(clock, live.Options{RetainGroups: 10})
	origin.AddTrack(track)
	group(t, track, 1, 1)
	client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
	sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{Params: wire.Parameters{Forward: wire.Some(false)}})
	if err != nil {
		t.Fatal(err)
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	group(t, track, 2, 1)
	if err := sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true), SubscriberPriority: wire.Some(uint8(3))}); err != nil {
		t.Fatal(err)
	}
	group(t, track, 3, 2)
	expect(t, r, "3/0", "3/1")
	joined := client.Fetch(moq.FetchOptions{Into: sub.Track(), First: wire.Location{Group: 1}, Last: wire.Location{Group: 2, Object: math.MaxUint64}})
	if err := joined.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFetchRefusals(t *testing.T) { eachDraft(t, testFetchRefusals) }

func testFetchRefusals(t *testing.T) {
	origin := moq.NewOrigin()
	track, empty := live.NewTrack(clock, live.Options{}), live.NewTrack(wire.FullTrackName{Namespace: clock.Namespace, Name: "empty"}, live.Options{})
	origin.AddTrack(track)
	origin.AddTrack(empty)
	group(t, track, 5, 3)
	client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
	fetch := func(name wire.FullTrackName, first, last wire.Location) error {
		return client.Fetch(moq.FetchOptions{Into: live.NewTrack(name, live.Options{}), First: first, Last: last}).Wait(t.Context())
	}
	if err := fetch(clock, wire.Location{Group: 6}, wire.Location{Group: 7}); !refused(err, wire.RequestInvalidRange) {
		t.Errorf("beyond the largest object: %v, want INVALID_RANGE", err)
	}
	if err := fetch(empty.Name(), wire.Location{}, wire.Location{Group: 7}); !refused(err, wire.RequestInvalidRange) {
		t.Errorf("nothing published: %v, want INVALID_RANGE", err)
	}
	if err := fetch(wire.FullTrackName{Namespace: clock.Namespace, Name: "missing"}, wire.Location{}, wire.Location{Group: 7}); !refused(err, wire.RequestDoesNotExist) {
		t.Errorf("missing track: %v, want DOES_NOT_EXIST", err)
	}
	if err := fetch(clock, wire.Location{Group: 5, Object: 1}, wire.Location{Group: 9}); err != nil {
		t.Errorf("a range that ends in the future: %v", err)
	}
}

// TestGoaway: the peer learns of it, new requests are refused, and a session
// that is not left in time is closed.
func TestGoaway(t *testing.T) { eachDraft(t, testGoaway) }

func testGoaway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin := moq.NewOrigin()
		track := live.NewTrack(clock, live.Options{})
		origin.AddTrack(track)
		told := make(chan string, 1)
		client, server := pair(t, moq.Config{OnGoaway: func(g moq.Goaway) { told <- g.URI + " " + g.Timeout.String() }}, moq.Config{Handler: origin})
		sub, err := client.Subscribe(t.Context(), clock, moq.SubscribeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Goaway("moqt://elsewhere", 5*time.Second); err != nil {
			t.Fatal(err)
		}
		want := "moqt://elsewhere 5s"
		if !draftOf(t).Has(wire.FeatureGoawayTimeout) {
			want = "moqt://elsewhere 0s"
		}
		if got := <-told; got != want {
			t.Errorf("told %q", got)
		}
		if _, err := client.TrackStatus(t.Context(), clock); !errors.Is(err, moq.ErrGoaway) {
			t.Errorf("a request after GOAWAY: %v", err)
		}
		r := sub.Track().NewReader(wire.Location{})
		defer r.Close()
		group(t, track, 1, 1)
		expect(t, r, "1/0") // what there is goes on
		time.Sleep(6 * time.Second)
		var e *wire.Error
		if !errors.As(context.Cause(server.Context()), &e) || e.Code != wire.SessionGoawayTimeout {
			t.Errorf("closed with %v, want GOAWAY_TIMEOUT", context.Cause(server.Context()))
		}
		if err := server.Goaway("", 0); err == nil {
			t.Error("a second GOAWAY was sent")
		}
	})
}

// taker accepts every track offered, without asking for its objects yet.
type taker chan *moq.Subscription

func (c taker) Serve(_ context.Context, r moq.Request) {
	if p, ok := r.(*moq.PublishRequest); ok {
		if sub, err := p.Accept(nil, wire.Parameters{Forward: wire.Some(false)}, nil); err == nil {
			c <- sub
		}
	}
}

// TestPublish: objects of an offered track come once they are asked for, and
// its end is told.
func TestPublish(t *testing.T) { eachDraft(t, testPublish) }

func testPublish(t *testing.T) {
	offered := make(taker, 1)
	publisher, _ := pair(t, moq.Config{}, moq.Config{Handler: offered})
	track := live.NewTrack(clock, live.Options{RetainGroups: 10})
	group(t, track, 1, 1)
	var o moq.PublishOptions
	if !draftOf(t).Has(wire.FeaturePublishOKParams) { // the subscriber's wish comes behind its answer
		o.Params.Forward = wire.Some(false)
	}
	p, err := publisher.Publish(t.Context(), track, o)
	if err != nil {
		t.Fatal(err)
	}
	sub := <-offered
	if l, ok := sub.Largest(); !ok || l != (wire.Location{Group: 1}) {
		t.Errorf("largest %v %v, want 1/0", l, ok)
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	group(t, track, 2, 1)
	if err := sub.Update(t.Context(), wire.Parameters{Forward: wire.Some(true)}); err != nil {
		t.Fatal(err)
	}
	group(t, track, 3, 2)
	expect(t, r, "3/0", "3/1")
	_, err = publisher.Publish(t.Context(), track, moq.PublishOptions{})
	if shared := draftOf(t).Has(wire.FeatureSharedTracks); shared != (err == nil) || !shared && !refused(err, wire.RequestDuplicateSubscription) {
		t.Errorf("offered again: %v, want DUPLICATE_SUBSCRIPTION", err)
	}
	track.Close(wire.DoneTrackEnded, "over")
	<-sub.Done()
	<-p.Done()
	if d := sub.Result(); d.Code != wire.DoneTrackEnded || sub.Lost() {
		t.Errorf("ended with %+v", d)
	}
	if err := sub.Update(t.Context(), wire.Parameters{}); err == nil {
		t.Error("a subscription that is over was updated")
	}
}

// TestFetchUnknown: what the publisher cannot speak for is told in a few words,
// however wide, and stays unknown to the subscriber, in both orders.
func TestFetchUnknown(t *testing.T) { eachDraft(t, testFetchUnknown) }

func testFetchUnknown(t *testing.T) {
	origin := moq.NewOrigin()
	track := live.NewTrack(clock, live.Options{RetainGroups: 10})
	origin.AddTrack(track)
	group(t, track, 1<<40, 2)
	group(t, track, 1<<40+1, 2)
	track.Forget(live.Range{To: wire.Location{Group: 1 << 40}})
	client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})
	for _, order := range []wire.GroupOrder{wire.GroupOrderAscending, wire.GroupOrderDescending} {
		into := live.NewTrack(clock, live.Options{RetainGroups: 10})
		o := moq.FetchOptions{Into: into, First: wire.Location{Group: 7}, Last: wire.Location{Group: 1<<40 + 1, Object: 1}, Params: wire.Parameters{GroupOrder: wire.Some(order)}}
		if err := client.Fetch(o).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := live.Range{From: o.First, To: wire.Location{Group: 1 << 40}}
		if u := into.Unknown(live.Range{From: o.First, To: o.Last.Next()}); len(u) != 1 || u[0] != want {
			t.Errorf("order %d: unknown %v, want %v", order, u, want)
		}
		r := into.NewReader(wire.Location{})
		for range 4 {
			if _, err := r.Next(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
	}
}
