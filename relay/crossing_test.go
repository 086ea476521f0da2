package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestCrossingDrafts: whatever drafts publisher and subscriber speak, the relay
// hands objects on as they are, and says the same in each draft's numbers.
func TestCrossingDrafts(t *testing.T) {
	t.Parallel() // virtual time
	for _, from := range wire.Versions() {
		for _, to := range wire.Versions() {
			t.Run(fmt.Sprintf("%v to %v", from, to), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { testCrossing(t, from, to) })
			})
		}
	}
}

// connect joins a session of a draft to a relay.
func connect(t *testing.T, r *relay.Relay, v wire.Version, c moq.Config) *moq.Session {
	t.Helper()
	near, far := transport.MemoryPair(v.String())
	served := make(chan struct{})
	go func() {
		r.ServeConn(far)
		close(served)
	}()
	c.Logger = quiet()
	s, err := moq.NewSession(t.Context(), near, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeSession(s)
		<-served
	})
	return s
}

// crossingTrack makes a track with properties whose integers have other forms
// in RFC 9000 than in vi64.
func crossingTrack(name string) *live.Track {
	properties := wire.AppendProperties(nil,
		wire.KeyValue{Type: wire.PropPublisherPriority, Value: 7},
		wire.KeyValue{Type: 0x3A, Value: 1<<62 - 1},
		wire.KeyValue{Type: 0x7B, Bytes: []byte("application")},
		wire.KeyValue{Type: 0x3800, Value: 100})
	full := wire.FullTrackName{Namespace: wire.Namespace{"crossing", "\x00\xff"}, Name: name}
	return live.NewTrack(full, live.Options{Properties: properties, RetainGroups: 10})
}

// crossingObjects appends three groups: subgroups with gaps, priorities and
// properties; datagrams; a large and an empty object and the end of the track.
func crossingObjects(t *testing.T, track *live.Track) {
	t.Helper()
	properties := wire.AppendProperties(nil,
		wire.KeyValue{Type: 0x10, Value: 64},
		wire.KeyValue{Type: wire.PropImmutable, Bytes: wire.AppendProperties(nil, wire.KeyValue{Type: 0x12, Value: 9})},
		wire.KeyValue{Type: 0x4A, Value: 1 << 40},
		wire.KeyValue{Type: 0x1F01, Bytes: bytes.Repeat([]byte{0xEE}, 200)})
	write := func(i live.SubgroupInfo, objects ...live.WholeObject) {
		i.HasProperties = slices.ContainsFunc(objects, func(o live.WholeObject) bool { return len(o.Properties) > 0 })
		i.FirstObject = true
		w, err := track.OpenSubgroup(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			if err := w.Append(o); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) []byte { return []byte(s) }
	write(live.SubgroupInfo{Group: 3, ID: 0, Priority: 10},
		live.WholeObject{ID: 0, Payload: text("3/0")}, live.WholeObject{ID: 2, Payload: text("3/2")},
		live.WholeObject{ID: 70, Payload: text("3/70")}, live.WholeObject{ID: 71, Status: wire.ObjectEndOfGroup})
	write(live.SubgroupInfo{Group: 3, ID: 1, Priority: 200},
		live.WholeObject{ID: 1, Payload: text("3/1"), Properties: properties}, live.WholeObject{ID: 69, Payload: text("3/69")})
	for id := range uint64(3) {
		d := wire.Datagram{Group: 1 << 20, ID: id, EndOfGroup: id == 2, Payload: fmt.Appendf(nil, "datagram %d", id)}
		if id == 1 {
			d.Properties, d.Priority = properties, wire.Some(uint8(99))
		}
		track.AppendDatagram(d)
	}
	write(live.SubgroupInfo{Group: 1<<20 + 1, ID: 100, Priority: 7, EndOfGroup: true},
		live.WholeObject{ID: 0, Payload: bytes.Repeat([]byte{1}, 100_000)}, live.WholeObject{ID: 1}, live.WholeObject{ID: 2, Status: wire.ObjectEndOfTrack})
}

// everything describes the objects of a track, one line each, in order.
func everything(t *testing.T, track *live.Track, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := track.NewReader(wire.Location{})
	defer r.Close()
	var out []string
	for range n {
		o, err := r.Next(ctx)
		if err != nil {
			slices.Sort(out)
			t.Fatalf("%d of %d objects: %v\n%s", len(out), n, err, strings.Join(out, "\n"))
		}
		out = append(out, describe(o))
	}
	slices.Sort(out)
	return out
}

func describe(o *live.Object) string {
	payload := o.Payload()
	if len(payload) > 40 {
		payload = fmt.Appendf(nil, "%d bytes, sum %d", len(payload), sum(payload))
	}
	subgroup := fmt.Sprint("subgroup ", o.Subgroup)
	if o.Datagram {
		subgroup = fmt.Sprint("datagram, end of group ", o.EndOfGroup)
	}
	return fmt.Sprintf("%08d/%02d %s priority %d status %d properties %x payload %q", o.Group, o.ID, subgroup, o.Priority, o.Status, []byte(o.Properties), payload)
}

func sum(b []byte) (n int) {
	for _, c := range b {
		n += int(c)
	}
	return n
}

func testCrossing(t *testing.T, from, to wire.Version) {
	r := relay.New(relay.Config{Logger: quiet(), RetainGroups: 10})
	t.Cleanup(r.Close)
	first, second, third := crossingTrack("live"), crossingTrack("fetched"), crossingTrack("ended")
	origin := moq.NewOrigin()
	for _, track := range []*live.Track{first, second, third} {
		origin.AddTrack(track)
	}
	origin.AddNamespace(first.Name().Namespace)
	publisher := connect(t, r, from, moq.Config{Handler: refuser{origin}})
	ctx, cancel := context.WithCancel(t.Context())
	announced := make(chan struct{})
	go func() {
		origin.Announce(ctx, publisher)
		close(announced)
	}()
	t.Cleanup(func() { cancel(); <-announced })
	subscriber := connect(t, r, to, moq.Config{})
	synctest.Wait()

	names := make(seen, 4)
	if _, err := subscriber.SubscribeNamespace(t.Context(), wire.Namespace{"crossing"}, names); err != nil {
		t.Fatal(err)
	}
	if got := <-names; got != "+"+first.Name().Namespace.String() {
		t.Errorf("namespace %q", got)
	}

	crossLive(t, subscriber, first)
	crossFetch(t, subscriber, second)
	crossEnd(t, subscriber, third)
	crossErrors(t, subscriber, first.Name().Namespace)
}

const crossingCount = 12 // objects of crossingObjects

// crossLive: objects that are forwarded as they come.
func crossLive(t *testing.T, subscriber *moq.Session, track *live.Track) {
	into := live.NewTrack(track.Name(), live.Options{RetainGroups: 10})
	sub, err := subscriber.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{Into: into})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	properties, _ := track.Properties()
	if got, _ := into.Properties(); !bytes.Equal(got, properties) {
		t.Errorf("track properties %x, want %x", got, properties)
	}
	crossingObjects(t, track)
	synctest.Wait()
	compare(t, "forwarded", everything(t, into, crossingCount), everything(t, track, crossingCount))
}

// crossFetch: the same from the past, whole and in part, and by joining.
func crossFetch(t *testing.T, subscriber *moq.Session, track *live.Track) {
	crossingObjects(t, track)
	want := everything(t, track, crossingCount)
	isStatus := func(line string) bool { return !strings.Contains(line, "status 0") }
	// A status is a gap on a fetch stream, and a datagram there does not say
	// that it ends its group.
	fetched := slices.DeleteFunc(slices.Clone(want), isStatus)
	for i, line := range fetched {
		fetched[i] = strings.Replace(line, "end of group true", "end of group false", 1)
	}
	for _, c := range []struct {
		name        string
		first, last wire.Location
		want        []string
	}{
		{"all", wire.Location{}, wire.Location{Group: 1<<20 + 1, Object: 1}, fetched},
		{"to the end of a group", wire.Location{Group: 3, Object: 2}, wire.Location{Group: 3, Object: 1<<64 - 1}, fetched[2:5]},
		{"to an object", wire.Location{Group: 3, Object: 1}, wire.Location{Group: 3, Object: 69}, fetched[1:4]},
		{"one object", wire.Location{Group: 1 << 20, Object: 1}, wire.Location{Group: 1 << 20, Object: 1}, fetched[6:7]},
	} {
		into := live.NewTrack(track.Name(), live.Options{RetainGroups: 10})
		if err := subscriber.Fetch(moq.FetchOptions{Into: into, First: c.first, Last: c.last}).Wait(t.Context()); err != nil {
			t.Errorf("fetch %s: %v", c.name, err)
			continue
		}
		compare(t, "fetched "+c.name, everything(t, into, len(c.want)), c.want)
	}
	into := live.NewTrack(track.Name(), live.Options{RetainGroups: 10})
	sub, err := subscriber.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{Into: into, JoinGroups: wire.Some(uint64(1))})
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Join().Wait(t.Context()); err != nil {
		t.Errorf("join: %v", err)
	}
	compare(t, "joined", everything(t, into, 5), fetched[5:])
	sub.Close()
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got[i], want[i])
		}
	}
}

// crossEnd: a filter with both ends, and the end of a track with its reason.
func crossEnd(t *testing.T, subscriber *moq.Session, track *live.Track) {
	filter := wire.Filter{Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 1 << 20, Object: 1}, EndGroup: 1 << 20}
	sub, err := subscriber.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{Params: wire.Parameters{Filter: wire.Some(filter)}})
	if err != nil {
		t.Fatal(err)
	}
	crossingObjects(t, track)
	synctest.Wait()
	compare(t, "filtered", everything(t, sub.Track(), 2), everything(t, track, crossingCount)[7:9])
	track.Close(wire.DoneExpired, "too late")
	<-sub.Done()
	if d := sub.Result(); d.Code != wire.DoneExpired || d.Reason != "too late" {
		t.Errorf("ended with %v %q, want EXPIRED", d.Code, d.Reason)
	}
}

// refuser refuses tracks named after a code.
type refuser struct{ *moq.Origin }

var crossingRefusals = map[string]wire.RequestError{
	"unauthorized": wire.RequestUnauthorized,
	"timeout":      wire.RequestTimeout,
	"range":        wire.RequestInvalidRange,
	"malformed":    wire.RequestMalformedTrack,
}

func (r refuser) Serve(ctx context.Context, req moq.Request) {
	if s, ok := req.(*moq.SubscribeRequest); ok {
		if code, refused := crossingRefusals[s.Track.Name]; refused {
			s.Reject(code, "as asked for", wire.Some(1500*time.Millisecond))
			return
		}
	}
	r.Origin.Serve(ctx, req)
}

// crossErrors: refusals come with their code, reason and retry interval.
func crossErrors(t *testing.T, subscriber *moq.Session, ns wire.Namespace) {
	for name, code := range crossingRefusals {
		_, err := subscriber.Subscribe(t.Context(), wire.FullTrackName{Namespace: ns, Name: name}, moq.SubscribeOptions{})
		var refused *moq.RequestError
		if !errors.As(err, &refused) || refused.Code != code || refused.Reason != "as asked for" || refused.Retry != wire.Some(1500*time.Millisecond) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
