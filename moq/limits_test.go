package moq_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"moqedge/moq"
	"moqedge/moq/conformance/peer"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// talker refuses with more words than a Reason Phrase holds.
type talker struct{ *moq.Origin }

const tooLong = 3*wire.MaxReasonPhrase + 1

func (h talker) Serve(ctx context.Context, r moq.Request) {
	if _, ok := r.(*moq.TrackStatusRequest); ok {
		r.Reject(wire.RequestUnauthorized, strings.Repeat("é", tooLong), moq.NoRetry())
		return
	}
	h.Origin.Serve(ctx, r)
}

// TestLongReasons: words that are too many are cut, and the message is sent.
func TestLongReasons(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			origin, track := moq.NewOrigin(), live.NewTrack(clock, live.Options{})
			origin.AddTrack(track)
			client, _ := pair(t, moq.Config{}, moq.Config{Handler: talker{origin}})
			_, err := client.TrackStatus(t.Context(), clock)
			if !refused(err, wire.RequestUnauthorized) {
				t.Errorf("got %v", err)
			}
			sub := must(client.Subscribe(t.Context(), clock, moq.SubscribeOptions{}))
			track.Close(wire.DoneExpired, strings.Repeat("é", tooLong))
			<-sub.Done()
			if d := sub.Result(); d.Code != wire.DoneExpired || d.Reason != strings.Repeat("é", wire.MaxReasonPhrase/2) {
				t.Errorf("ended with %v", d)
			}
		})
	})
}

// TestCutAnswer: an answer that ends in the middle is a violation, as a request is.
func TestCutAnswer(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		if draftOf(t).Has(wire.FeatureControlStream) {
			return // the control stream does not end
		}
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true)
			subscribing(t, s, moq.SubscribeOptions{})
			r, _ := peer.Accept[*wire.Subscribe](p)
			b := p.Encode(&wire.SubscribeOK{TrackAlias: 1})
			r.Write(b[:len(b)-1])
			r.Finish()
			p.ExpectClose(wire.SessionProtocolViolation)
		})
	})
}

// TestForeignRedirect: a server's REDIRECT can be handed on to clients alone.
func TestForeignRedirect(t *testing.T) {
	withFeature(t, wire.FeatureRedirect, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			redirect := redirecting{&moq.RequestError{Code: wire.RequestRedirect, Redirect: &wire.Redirect{URI: "moqt://elsewhere"}}}
			client, server := pair(t, moq.Config{Handler: redirect}, moq.Config{Handler: redirect})
			if _, err := client.TrackStatus(t.Context(), clock); !refused(err, wire.RequestRedirect) {
				t.Errorf("a server's refusal is %v", err)
			}
			if _, err := server.TrackStatus(t.Context(), clock); !refused(err, wire.RequestDoesNotExist) {
				t.Errorf("a client's refusal is %v", err)
			}
		})
	})
}

type redirecting struct{ err error }

func (h redirecting) Serve(_ context.Context, r moq.Request) {
	r.(*moq.TrackStatusRequest).RejectWith(h.err)
}

// TestEndlessNamespaces: a subscription that brings namespaces without end is
// given up, and all of them with it.
func TestEndlessNamespaces(t *testing.T) {
	withFeature(t, wire.FeatureGoawayRequestID, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true)
			events := &counting{}
			made := make(chan *moq.NamespaceSubscription, 1)
			go func() { made <- must(s.SubscribeNamespace(t.Context(), wire.Namespace{"a"}, events)) }()
			r, _ := peer.Accept[*wire.SubscribeNamespace](p)
			r.Send(&wire.RequestOK{})
			var b []byte
			for i := range uint64(1<<16 + 1) {
				b = append(b, p.Encode(&wire.NamespaceMsg{Suffix: wire.Namespace{string(wire.AppendVarint(nil, i))}})...)
			}
			r.Write(b)
			<-(<-made).Done()
			if events.added != 1<<16 || events.removed != events.added {
				t.Errorf("%d added, %d removed", events.added, events.removed)
			}
			if code := r.ExpectCancel(); code != wire.ResetExcessiveLoad {
				t.Errorf("given up with %s", code)
			}
			p.ExpectOpen()
		})
	})
}

type counting struct{ added, removed int }

func (c *counting) NamespaceAdded(wire.Namespace)   { c.added++ }
func (c *counting) NamespaceRemoved(wire.Namespace) { c.removed++ }

// TestLongSuffix: with its prefix a suffix has the limits of a namespace.
func TestLongSuffix(t *testing.T) {
	eachDraft(t, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, s := against(t, moq.Config{}, true)
			go func() {
				_, _ = s.SubscribeNamespace(t.Context(), wire.Namespace{strings.Repeat("x", 3000)}, &counting{})
			}()
			r, _ := peer.Accept[*wire.SubscribeNamespace](p)
			r.Send(&wire.RequestOK{}, &wire.NamespaceMsg{Suffix: wire.Namespace{strings.Repeat("y", 3000)}})
			p.ExpectClose(wire.SessionProtocolViolation)
		})
	})
}
