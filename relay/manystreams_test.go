package relay_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"moqedge/certs"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// onPort serves a relay on a UDP port until the test ends, and returns how it is
// dialed.
// A relay that shows a certificate of authorities is trusted; nil: none is asked for.
func onPort(t *testing.T, r *relay.Relay, authorities *x509.CertPool) (url string, dial transport.DialConfig) {
	t.Helper()
	source, err := certs.Development("", nil, quiet())
	if err != nil {
		t.Fatal(err)
	}
	l, err := transport.Listen(&transport.ListenConfig{Addr: "127.0.0.1:0", GetCertificate: source.GetCertificate, ClientCAs: authorities})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		<-served
		source.Close()
	})
	return "moqt://" + l.Addr().String(), transport.DialConfig{Fingerprints: [][32]byte{source.Fingerprint()}}
}

// dialed is a session by a URL.
func dialed(t *testing.T, url string, dial transport.DialConfig, h moq.Handler) *moq.Session {
	t.Helper()
	client := moq.Client{URL: url, Dial: dial, Config: moq.Config{Handler: h, Logger: quiet()}}
	s, err := client.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSession(s) })
	return s
}

// atOnce calls f for the numbers below n, some at a time.
func atOnce(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var tasks sync.WaitGroup
	numbers := make(chan int)
	for range 32 {
		tasks.Go(func() {
			for i := range numbers {
				if err := f(i); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	for i := range n {
		if t.Failed() {
			break
		}
		numbers <- i
	}
	close(numbers)
	tasks.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// TestNamespacesOfOneSession: a session may announce as many namespaces as
// MaxNamespaces says, each by a stream, and has streams for other requests then.
func TestNamespacesOfOneSession(t *testing.T) {
	const namespaces = 10_000
	r := newRelay(t, relay.Config{})
	url, dial := onPort(t, r, nil)
	s := dialed(t, url, dial, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	atOnce(t, namespaces, func(i int) error {
		_, err := s.PublishNamespace(ctx, wire.Namespace{"room", fmt.Sprint(i)})
		return err
	})
	if n := r.Stats().Namespaces; n != namespaces {
		t.Errorf("%d namespaces", n)
	}
	if _, err := s.PublishNamespace(ctx, wire.Namespace{"one more"}); !errors.Is(err, &moq.RequestError{Code: wire.RequestExcessiveLoad}) {
		t.Errorf("one more: %v", err)
	}
	if _, err := s.SubscribeNamespace(ctx, wire.Namespace{"elsewhere"}, noEvents{}); err != nil {
		t.Errorf("another request: %v", err)
	}
}

type noEvents struct{}

func (noEvents) NamespaceAdded(wire.Namespace)   {}
func (noEvents) NamespaceRemoved(wire.Namespace) {}

// TestTracksOverOneLink: an edge has 5,000 tracks over its link, each with a group
// that is not at its end; with the race detector 1,500, which is still more than the
// streams that a relay has which is not trusted.
func TestTracksOverOneLink(t *testing.T) {
	const publishers = 5
	each := 1000
	if raced {
		each = 300
	}
	above := newRelay(t, relay.Config{ID: "above"})
	certificate, authorities := clientCertificate(t)
	url, dial := onPort(t, above, authorities)
	dial.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}} // who is not trusted has 1,024
	edge := newRelay(t, relay.Config{ID: "edge", Upstreams: []relay.Upstream{{URL: url, Dial: dial}}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	track := func(i int) wire.FullTrackName {
		return wire.FullTrackName{Namespace: wire.Namespace{"room", fmt.Sprint(i / each)}, Name: fmt.Sprint(i)}
	}
	var all []*live.Track
	for p := range publishers {
		origin := moq.NewOrigin()
		origin.AddNamespace(track(p * each).Namespace)
		for i := range each {
			x := live.NewTrack(track(p*each+i), live.Options{})
			all = append(all, x)
			origin.AddTrack(x)
		}
		s := over(t, above, moq.Config{Handler: origin})
		if _, err := s.PublishNamespace(ctx, track(p*each).Namespace); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the edge knows the namespaces", func() bool { return edge.Stats().Namespaces == publishers })
	var viewers []*moq.Session
	for range publishers {
		viewers = append(viewers, over(t, edge, moq.Config{}))
	}
	subscriptions := make([]*moq.Subscription, publishers*each)
	atOnce(t, len(subscriptions), func(i int) (err error) {
		subscriptions[i], err = viewers[i/each].Subscribe(ctx, track(i), moq.SubscribeOptions{})
		return err
	})
	for _, x := range all {
		w, err := x.OpenSubgroup(live.SubgroupInfo{Group: 7, FirstObject: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(live.WholeObject{Payload: []byte(x.Name().Name)}); err != nil {
			t.Fatal(err)
		}
	}
	atOnce(t, len(subscriptions), func(i int) error {
		r := subscriptions[i].Track().NewReader(wire.Location{})
		defer r.Close()
		o, err := r.Next(ctx)
		if err == nil && string(o.Payload()) != track(i).Name {
			err = fmt.Errorf("got %q", o.Payload())
		}
		return err
	})
}
