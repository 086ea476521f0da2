package relay_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// newRelay is a relay that is closed with the test.
func newRelay(t *testing.T, c relay.Config) *relay.Relay {
	t.Helper()
	c.Logger = cmp.Or(c.Logger, quiet())
	r := relay.New(c)
	t.Cleanup(r.Close)
	return r
}

// peer is a publisher that notes what it is asked for.
type peer struct {
	t       *testing.T
	session *moq.Session
	origin  *moq.Origin
	track   *live.Track

	mu       sync.Mutex
	answer   func(ctx context.Context, r moq.Request) (answered bool) // nil: the origin answers
	asked    []wire.Parameters                                        // of SUBSCRIBE
	updates  []wire.Parameters                                        // of REQUEST_UPDATE for those
	statuses int
	fetches  int
}

// newPeer is a peer with the track of camera that announces namespaces.
func newPeer(t *testing.T, r *relay.Relay, announces ...wire.Namespace) *peer {
	t.Helper()
	return newPeerOf(t, r, wire.Draft18, live.NewTrack(camera, live.Options{RetainGroups: 20}), announces...)
}

func newPeerOf(t *testing.T, r *relay.Relay, v wire.Version, track *live.Track, announces ...wire.Namespace) *peer {
	t.Helper()
	p := &peer{t: t, origin: moq.NewOrigin(), track: track}
	p.origin.AddTrack(p.track)
	p.session = connect(t, r, v, moq.Config{Handler: p})
	for _, ns := range announces {
		p.announce(ns)
	}
	return p
}

func (p *peer) announce(ns wire.Namespace) {
	p.t.Helper()
	if _, err := p.session.PublishNamespace(p.t.Context(), ns); err != nil {
		p.t.Fatal(err)
	}
}

// Serve implements moq.Handler.
func (p *peer) Serve(ctx context.Context, r moq.Request) {
	p.mu.Lock()
	switch r := r.(type) {
	case *moq.SubscribeRequest:
		p.asked = append(p.asked, r.Params)
		r.Updated = func(u wire.Parameters) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.updates = append(p.updates, u)
		}
	case *moq.TrackStatusRequest:
		p.statuses++
	case *moq.FetchRequest:
		p.fetches++
	}
	answer := p.answer
	p.mu.Unlock()
	if answer == nil || !answer(ctx, r) {
		p.origin.Serve(ctx, r)
	}
}

// answers has f asked first what to do with a request.
func (p *peer) answers(f func(ctx context.Context, r moq.Request) (answered bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = f
}

// requests are the SUBSCRIBEs and their updates so far.
func (p *peer) requests() (asked, updates []wire.Parameters) {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked), slices.Clone(p.updates)
}

// counts are the FETCHes and TRACK_STATUSes so far.
func (p *peer) counts() (fetches, statuses int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches, p.statuses
}

// put appends one group of whole objects to a track.
func put(t *testing.T, track *live.Track, group uint64, objects ...uint64) {
	t.Helper()
	w := begin(t, track, group)
	write(t, w, group, objects...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, track *live.Track, group uint64) *live.SubgroupWriter {
	t.Helper()
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: 128, EndOfGroup: true, FirstObject: true})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t *testing.T, w *live.SubgroupWriter, group uint64, objects ...uint64) {
	t.Helper()
	for _, id := range objects {
		if err := w.Append(live.WholeObject{ID: id, Payload: fmt.Appendf(nil, "%d/%d", group, id)}); err != nil {
			t.Fatal(err)
		}
	}
}

// viewer is a subscriber of camera.
type viewer struct {
	t       *testing.T
	session *moq.Session
	sub     *moq.Subscription
	reader  *live.Reader
}

func view(t *testing.T, r *relay.Relay, o moq.SubscribeOptions) *viewer {
	t.Helper()
	v := &viewer{t: t, session: connect(t, r, wire.Draft18, moq.Config{})}
	v.subscribe(o)
	return v
}

func (v *viewer) subscribe(o moq.SubscribeOptions) {
	v.t.Helper()
	var err error
	if v.sub, err = v.session.Subscribe(v.t.Context(), camera, o); err != nil {
		v.t.Fatal(err)
	}
	v.reader = v.sub.Track().NewReader(wire.Location{})
	v.t.Cleanup(v.reader.Close)
}

// gets wants these objects next.
func (v *viewer) gets(want ...wire.Location) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Minute)
	defer cancel()
	for _, at := range want {
		o, err := v.reader.Next(ctx)
		if err != nil {
			v.t.Fatalf("waiting for %v: %v", at, err)
		}
		if o.Location() != at {
			v.t.Fatalf("got %v, want %v", o.Location(), at)
		}
		if s := fmt.Sprintf("%d/%d", at.Group, at.Object); string(o.Payload()) != s {
			v.t.Fatalf("%v holds %q", at, o.Payload())
		}
	}
}

// none wants no further object to be there.
func (v *viewer) none() {
	v.t.Helper()
	time.Sleep(5 * time.Second)
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Millisecond)
	defer cancel()
	if o, err := v.reader.Next(ctx); err == nil {
		v.t.Fatalf("got %v, want nothing more", o.Location())
	}
}

// ends wants the subscription to end with a code.
func (v *viewer) ends(code wire.PublishDoneCode) {
	v.t.Helper()
	select {
	case <-v.sub.Done():
	case <-time.After(2 * time.Minute):
		v.t.Fatal("the subscription does not end")
	}
	if d := v.sub.Result(); d.Code != code {
		v.t.Fatalf("ended with %v %q, want %v", d.Code, d.Reason, code)
	}
}

func (v *viewer) goesOn() {
	v.t.Helper()
	synctest.Wait()
	if d := v.sub.Result(); d != nil {
		v.t.Fatalf("the subscription ended: %+v", d)
	}
}

// locations of one group.
func locations(group uint64, objects ...uint64) []wire.Location {
	var out []wire.Location
	for _, id := range objects {
		out = append(out, wire.Location{Group: group, Object: id})
	}
	return out
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
