package interop_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/interop"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// broker is a relay of its own kind: it copies the objects of a publisher, or
// does to them and to requests what a test says.
type broker struct {
	faults

	mu         sync.Mutex
	publishers map[string]*moq.Session
	tracks     map[string]*live.Track // as they go to subscribers
}

// faults are what a broker does wrong; the zero value is nothing.
type faults struct {
	object     func(o *copied) // may change an object, or drop it
	properties func(wire.Properties) wire.Properties
	subscribe  func(r *moq.SubscribeRequest) // before it is answered
	request    func(r moq.Request) bool      // true: this request is not served
	done       wire.PublishDoneCode          // instead of that of the publisher, unless 0
	closes     bool                          // the session, on GOAWAY
}

// copied is an object on its way through a broker.
type copied struct {
	*live.Object
	id, subgroup uint64
	priority     uint8
	status       wire.ObjectStatus
	properties   wire.Properties
	payload      []byte
	stream, drop bool
}

// Serve implements moq.Handler.
func (b *broker) Serve(ctx context.Context, r moq.Request) {
	if b.request != nil && b.request(r) {
		return
	}
	switch r := r.(type) {
	case *moq.PublishNamespaceRequest:
		b.mu.Lock()
		b.publishers[r.Namespace.Key()] = r.Session()
		b.mu.Unlock()
		r.Accept()
		<-ctx.Done()
	case *moq.SubscribeRequest:
		to, err := b.track(r)
		if err != nil {
			r.RejectWith(err)
			return
		}
		if b.subscribe != nil {
			b.subscribe(r)
		}
		r.Accept(to)
	}
}

// track subscribes to a track at its publisher, once.
func (b *broker) track(r *moq.SubscribeRequest) (*live.Track, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.tracks[r.Track.Key()]; t != nil {
		return t, nil
	}
	s := b.publishers[r.Track.Namespace.Key()]
	if s == nil {
		return nil, &moq.RequestError{Code: wire.RequestDoesNotExist, Reason: "no publisher"}
	}
	from := live.NewTrack(r.Track, live.Options{RetainGroups: 100})
	sub, err := s.Subscribe(s.Context(), r.Track, moq.SubscribeOptions{Into: from})
	if err != nil {
		return nil, err
	}
	p, _ := from.Properties()
	if b.properties != nil {
		p = b.properties(p)
	}
	to := live.NewTrack(r.Track, live.Options{RetainGroups: 100, Properties: p})
	go func() {
		<-sub.Done()
		d := sub.Result()
		from.Close(d.Code, d.Reason)
	}()
	go b.copy(s.Context(), from, to)
	b.tracks[r.Track.Key()] = to
	return to, nil
}

func (b *broker) copy(ctx context.Context, from, to *live.Track) {
	type key struct{ group, subgroup uint64 }
	writers := map[key]*live.SubgroupWriter{}
	reader := from.NewReader(wire.Location{})
	defer reader.Close()
	for {
		o, err := reader.Next(ctx)
		if err != nil {
			for _, w := range writers {
				_ = w.Close()
			}
			code := from.Done()
			if code != nil && b.done != 0 {
				code = &live.Done{Code: b.done}
			}
			if code != nil {
				to.Close(code.Code, code.Reason)
			}
			return
		}
		c := copied{Object: o, id: o.ID, subgroup: o.Subgroup, priority: o.Priority, status: o.Status, properties: o.Properties, payload: o.Payload(), stream: !o.Datagram}
		if b.object != nil {
			b.object(&c)
		}
		if c.drop {
			continue
		}
		if !c.stream {
			_ = to.AppendDatagram(wire.Datagram{Group: o.Group, ID: c.id, Priority: wire.Some(c.priority), Status: c.status, Properties: c.properties, Payload: c.payload, EndOfGroup: o.EndOfGroup})
			continue
		}
		k := key{o.Group, c.subgroup}
		if writers[k] == nil {
			w, err := to.OpenSubgroup(live.SubgroupInfo{Group: o.Group, ID: c.subgroup, Priority: c.priority, HasProperties: true, FirstObject: true})
			if err != nil {
				return
			}
			writers[k] = w
		}
		_ = writers[k].Append(live.WholeObject{ID: c.id, Status: c.status, Properties: c.properties, Payload: c.payload})
	}
}

// serve runs the broker until the test ends.
func (b *broker) serve(t *testing.T, limit uint64) interop.Config {
	t.Helper()
	b.publishers, b.tracks = map[string]*moq.Session{}, map[string]*live.Track{}
	l, certificate := listen(t)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for {
			conn, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			tasks.Go(func() {
				config := moq.Config{Handler: b, MaxObjectSize: limit, Logger: slog.New(slog.DiscardHandler)}
				if b.closes {
					config.OnGoaway = func(moq.Goaway) {
						go conn.CloseWithError(uint64(wire.SessionProtocolViolation), "no GOAWAY here")
					}
				}
				if s, err := moq.NewSession(context.Background(), conn, config); err == nil {
					s.Wait()
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		tasks.Wait()
	})
	return interop.Config{
		URL: "moqt://" + l.Addr().String(), Timeout: 20 * time.Second,
		Dial: transport.DialConfig{Fingerprints: [][32]byte{certificate.Fingerprint()}},
	}
}

func run(t *testing.T, c interop.Config, name string) interop.Result {
	t.Helper()
	selected, unknown := interop.Select(name)
	if len(selected) != 1 || len(unknown) != 0 {
		t.Fatalf("no case %q", name)
	}
	return c.Run(t.Context(), selected[0], nil)
}

// A relay that changes something fails the case that looks at it, with words
// that say what it changed. The broker itself passes.
func TestFaults(t *testing.T) {
	is := func(group, id uint64, o *copied) bool { return o.Group == group && o.ID == id }
	for name, c := range map[string]struct {
		test  string
		fault faults
		limit uint64
		want  string // in a difference, in received or in the message
	}{
		"none":             {"single-group", faults{}, 0, ""},
		"none, gaps":       {"subgroups-with-gaps", faults{}, 0, ""},
		"none, datagrams":  {"datagrams", faults{}, 0, ""},
		"none, status":     {"status-objects", faults{}, 0, ""},
		"none, properties": {"properties", faults{}, 0, ""},
		"none, large":      {"large-object", faults{}, 0, ""},
		"none, full link":  {"priorities", faults{}, 0, ""},

		"object lost":      {"single-group", faults{object: func(o *copied) { o.drop = is(0, 9, o) }}, 0, "object 0/9 is missing"},
		"all lost":         {"single-object", faults{object: func(o *copied) { o.drop = true }}, 0, "object 0/0 is missing"},
		"object moved":     {"single-group", faults{object: func(o *copied) { o.id += 5 }}, 0, "object 0/10 was not asked for"},
		"payload":          {"single-group", faults{object: func(o *copied) { o.payload = append([]byte("x"), o.payload[1:]...) }}, 0, "differ from byte 0 on"},
		"priority":         {"subgroups-with-gaps", faults{object: func(o *copied) { o.priority++ }}, 0, "object 5/0: priority is 11, want 10"},
		"subgroup":         {"subgroups-with-gaps", faults{object: func(o *copied) { o.subgroup++ }}, 0, "object 5/0: subgroup is 1, want 0"},
		"no properties":    {"properties", faults{object: func(o *copied) { o.properties = nil }}, 0, "object 0/0: properties are , want"},
		"track properties": {"properties", faults{properties: func(wire.Properties) wire.Properties { return nil }}, 0, "0 bytes"},
		"status":           {"status-objects", faults{object: func(o *copied) { o.drop = o.Status == wire.ObjectEndOfGroup }}, 0, "object 0/2 is missing"},
		"end of track":     {"status-objects", faults{object: func(o *copied) { o.drop = o.Status == wire.ObjectEndOfTrack }}, 0, "object 2/1 is missing"},
		"end":              {"status-objects", faults{done: wire.DoneExpired}, 0, "PUBLISH_DONE EXPIRED"},
		"datagrams":        {"datagrams", faults{object: func(o *copied) { o.stream = true }}, 0, "came by a stream, was sent by a datagram"},
		"datagram bytes":   {"datagrams", faults{object: func(o *copied) { o.payload = append(o.payload[:len(o.payload):len(o.payload)], 1) }}, 0, "differ from byte"},
		"most datagrams":   {"datagrams", faults{object: func(o *copied) { o.drop = o.ID > 1 }}, 0, "object 0/2 is missing"},
		"too large":        {"large-object", faults{}, 1 << 20, "object 0/0 is missing"},
		"priorities": {"priorities", faults{subscribe: func(r *moq.SubscribeRequest) {
			r.Params.SubscriberPriority = wire.Some(255 - r.Params.SubscriberPriority.Or(0))
		}}, 0, "the more important track waits"},
		"GOAWAY":           {"goaway", faults{closes: true}, 0, "is missing"},
		"no FETCH":         {"fetch-old-groups", faults{}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
		"no TRACK_STATUS":  {"track-status", faults{}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
		"no history":       {"late-joiner", faults{}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
		"no namespaces":    {"namespaces", faults{}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
		"other namespaces": {"namespaces", faults{request: otherNamespaces}, 0, "-other"},
		"no publishers":    {"announce-only", faults{request: func(r moq.Request) bool { _, is := r.(*moq.PublishNamespaceRequest); return is }}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
		"closes":           {"publish-namespace-done", faults{request: closeWithNamespace}, 0, "session closed with INTERNAL_ERROR"},
		"accepts all": {"subscribe-error", faults{request: func(r moq.Request) bool {
			if r, ok := r.(*moq.SubscribeRequest); ok {
				r.Accept(live.NewTrack(r.Track, live.Options{}))
			}
			return true
		}}, 0, "SUBSCRIBE_OK"},
		"refuses all": {"announce-subscribe", faults{request: func(r moq.Request) bool { _, is := r.(*moq.SubscribeRequest); return is }}, 0, "REQUEST_ERROR NOT_SUPPORTED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &broker{faults: c.fault}
			r := run(t, b.serve(t, c.limit), c.test)
			if strings.HasPrefix(name, "none") {
				if r.Outcome != interop.Passed {
					t.Errorf("%+v", r)
				}
				return
			}
			if r.Outcome != interop.Failed || r.Message == "" || r.Expected == "" || r.Received == "" {
				t.Fatalf("%+v", r)
			}
			if !strings.Contains(strings.Join(append(r.Differences, r.Received, r.Message), "\n"), c.want) {
				t.Errorf("%q is missing in %+v", c.want, r)
			}
		})
	}
}

func otherNamespaces(r moq.Request) bool {
	if r, ok := r.(*moq.SubscribeNamespaceRequest); ok && r.Accept() {
		r.Add(append(append(wire.Namespace{}, r.Prefix...), "other"))
		return true
	}
	return false
}

// closeWithNamespace closes the session when a namespace is withdrawn.
func closeWithNamespace(r moq.Request) bool {
	p, ok := r.(*moq.PublishNamespaceRequest)
	if ok {
		p.Accept()
		p.Session().Close(wire.SessionInternalError, "because")
	}
	return ok
}

// A server that says nothing, one of another draft, and none at all.
func TestNoRelay(t *testing.T) {
	l, certificate := listen(t, "moqt-99")
	t.Cleanup(func() { l.Close() })
	other := interop.Config{URL: "moqt://" + l.Addr().String(), Dial: transport.DialConfig{Fingerprints: [][32]byte{certificate.Fingerprint()}}}
	if r := run(t, other, "setup-only"); r.Outcome != interop.Failed || !r.Fatal || r.Received != "no connection" || !strings.Contains(r.Message, "no MOQT version in common") {
		t.Errorf("another draft: %+v", r)
	}

	mute, certificate := listen(t)
	t.Cleanup(func() { mute.Close() })
	silent := interop.Config{URL: "https://" + mute.Addr().String(), Timeout: 300 * time.Millisecond, Dial: transport.DialConfig{Fingerprints: [][32]byte{certificate.Fingerprint()}}}
	if r := run(t, silent, "setup-only"); r.Outcome != interop.Failed || r.Received != "timeout" || r.Expected != "SETUP of the relay" {
		t.Errorf("no SETUP: %+v", r)
	}

	refresh := errors.New("no fingerprint to be had")
	failing := interop.Config{URL: "moqt://127.0.0.1:1", Refresh: func(context.Context, *transport.DialConfig) error { return refresh }}
	if r := run(t, failing, "setup-only"); r.Outcome != interop.Failed || r.Message != refresh.Error() {
		t.Errorf("no pins: %+v", r)
	}
}
