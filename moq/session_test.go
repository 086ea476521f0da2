package moq_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var clock = wire.FullTrackName{Namespace: wire.Namespace{"test"}, Name: "clock"}

// eachDraft runs a test on every draft that is spoken.
func eachDraft(t *testing.T, test func(t *testing.T)) {
	for _, v := range wire.Versions() {
		t.Run(v.String(), test)
	}
}

// draftOf is the draft that eachDraft runs a test on.
func draftOf(t *testing.T) wire.Version {
	for name := range strings.SplitSeq(t.Name(), "/") {
		if v, ok := wire.ParseVersion(name); ok {
			return v
		}
	}
	t.Fatalf("%s is not run by eachDraft", t.Name())
	return 0
}

// pair connects two sessions over memory; they are closed with the test.
func pair(t *testing.T, client, server moq.Config) (*moq.Session, *moq.Session) {
	t.Helper()
	a, b := transport.MemoryPair(draftOf(t).String())
	return pairOver(t, a, b, client, server)
}

// pairOver is pair with a connection of the test's own.
func pairOver(t *testing.T, a, b transport.Conn, client, server moq.Config) (*moq.Session, *moq.Session) {
	t.Helper()
	type result struct {
		s   *moq.Session
		err error
	}
	accepted := make(chan result, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), b, server)
		accepted <- result{s, err}
	}()
	c, err := moq.NewSession(context.Background(), a, client)
	if err != nil {
		t.Fatal(err)
	}
	r := <-accepted
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() {
		c.Close(wire.SessionNoError, "")
		r.s.Close(wire.SessionNoError, "")
		c.Wait()
		r.s.Wait()
	})
	return c, r.s
}

// group appends a whole group of n objects.
func group(t *testing.T, track *live.Track, id uint64, n int) {
	t.Helper()
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: id, Priority: 128, EndOfGroup: true, FirstObject: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := w.Append(live.WholeObject{ID: uint64(i), Payload: fmt.Appendf(nil, "%d/%d", id, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// expect reads objects and compares locations and payloads.
func expect(t *testing.T, r *live.Reader, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, w := range want {
		o, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for %s: %v", w, err)
		}
		if got := o.Location().String(); got != w || string(o.Payload()) != w {
			t.Fatalf("got object %s with payload %q, want %s", got, o.Payload(), w)
		}
	}
}

func TestSubscribeAndJoin(t *testing.T) { eachDraft(t, testSubscribeAndJoin) }

func testSubscribeAndJoin(t *testing.T) {
	origin := moq.NewOrigin()
	track := live.NewTrack(clock, live.Options{})
	origin.AddTrack(track)
	group(t, track, 4, 2)
	group(t, track, 5, 3)
	client, _ := pair(t, moq.Config{}, moq.Config{Handler: origin})

	sub, err := client.Subscribe(context.Background(), clock, moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err != nil {
		t.Fatal(err)
	}
	if l, ok := sub.Largest(); !ok || l != (wire.Location{Group: 5, Object: 2}) {
		t.Fatalf("largest %v %v", l, ok)
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	expect(t, r, "5/0", "5/1", "5/2")
	group(t, track, 6, 2)
	expect(t, r, "6/0", "6/1")
	if err := sub.Join().Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	track.Close(wire.DoneTrackEnded, "over")
	<-sub.Done()
	if d := sub.Result(); d.Code != wire.DoneTrackEnded || d.Reason != "over" {
		t.Fatalf("ended with %v", d)
	}
}
