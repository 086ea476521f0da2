package subscriber

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/cmd/moqedge/console"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/msf"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// publisher offers tracks in memory.
type publisher struct {
	t      *testing.T
	origin *moq.Origin
	log    lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newPublisher(t *testing.T) *publisher { return &publisher{t: t, origin: moq.NewOrigin()} }

// session returns a subscriber's session with the publisher.
func (p *publisher) session() (client, server *moq.Session) {
	p.t.Helper()
	a, b := transport.MemoryPair("moqt-18")
	accepted := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), b, moq.Config{Handler: p.origin})
		if err != nil {
			p.t.Error(err)
		}
		accepted <- s
	}()
	client, err := moq.NewSession(p.t.Context(), a, moq.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	server = <-accepted
	p.t.Cleanup(func() {
		client.Close(wire.SessionNoError, "")
		client.Wait()
		server.Wait()
	})
	return client, server
}

func (p *publisher) options() Options {
	return Options{Retry: time.Millisecond, Logger: slog.New(slog.NewTextHandler(&p.log, nil))}
}

func fullName(namespace, track string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{namespace}, Name: track}
}

// track offers a track with one group of the given payloads.
func (p *publisher) track(namespace, name string, payloads ...string) *live.Track {
	p.t.Helper()
	t := live.NewTrack(fullName(namespace, name), live.Options{})
	p.group(t, 0, payloads...)
	p.origin.AddTrack(t)
	return t
}

func (p *publisher) group(t *live.Track, group uint64, payloads ...string) {
	p.t.Helper()
	w, err := t.OpenSubgroup(live.SubgroupInfo{Group: group, FirstObject: true, HasProperties: true})
	if err != nil {
		p.t.Fatal(err)
	}
	for i, payload := range payloads {
		if err := w.Append(live.WholeObject{ID: uint64(i), Payload: []byte(payload)}); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
}

func catalog(t *testing.T, tracks ...string) string {
	t.Helper()
	var c msf.Catalog
	for _, name := range tracks {
		c.Tracks = append(c.Tracks, msf.Track{Name: name, Packaging: msf.PackagingLOC, IsLive: true})
	}
	b, err := msf.Append(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var errStop = errors.New("stop")

// gather returns a sink that ends after the wanted objects, and what it got.
func gather(count int) (Sink, *[]string) {
	var got []string
	return func(track wire.FullTrackName, o *live.Object) error {
		got = append(got, fmt.Sprintf("%s/%d/%d=%s", track.Name, o.Group, o.ID, o.Payload()))
		if len(got) == count {
			return errStop
		}
		return nil
	}, &got
}

// follow uses one session.
func follow(ctx context.Context, s *moq.Session, t Target, o Options, sink Sink) error {
	f := NewFollower(t, o, sink)
	defer f.Close()
	return f.Use(ctx, s, nil)
}

func TestFollowTrack(t *testing.T) {
	p := newPublisher(t)
	p.track("cam", "video", "a", "b")
	s, _ := p.session()
	sink, got := gather(2)
	o := p.options()
	o.Join = wire.Some(uint64(0))
	err := follow(t.Context(), s, Target{Namespace: wire.Namespace{"cam"}, Track: wire.Some("video")}, o, sink)
	if !errors.Is(err, errStop) || strings.Join(*got, " ") != "video/0/0=a video/0/1=b" {
		t.Errorf("%q, %v", *got, err)
	}
}

// All tracks of the catalog are followed, also those that a later one brings.
func TestFollowPublication(t *testing.T) {
	p := newPublisher(t)
	p.track("cam", "video", "v")
	p.track("cam", "audio", "a")
	list := p.track("cam", msf.TrackName, catalog(t, "video", "not-there"))
	s, _ := p.session()
	o := p.options()
	o.Join = wire.Some(uint64(0))
	var got []string
	err := follow(t.Context(), s, Target{Namespace: wire.Namespace{"cam"}}, o, func(track wire.FullTrackName, _ *live.Object) error {
		got = append(got, track.Name)
		if len(got) == 2 {
			return errStop
		}
		p.group(list, 1, catalog(t, "video", "audio"))
		return nil
	})
	if !errors.Is(err, errStop) || strings.Join(got, " ") != "video audio" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFollowBadCatalog(t *testing.T) {
	p := newPublisher(t)
	p.track("cam", msf.TrackName, "{")
	s, _ := p.session()
	err := follow(t.Context(), s, Target{Namespace: wire.Namespace{"cam"}}, p.options(), nil)
	if !errors.Is(err, msf.ErrCatalog) {
		t.Error(err)
	}
}

// A track that comes, ends and comes back is followed all the time.
func TestFollowWaits(t *testing.T) {
	p := newPublisher(t)
	s, _ := p.session()
	o := p.options()
	o.Join = wire.Some(uint64(0))
	done := make(chan error, 1)
	first := make(chan struct{})
	seen := 0
	go func() {
		done <- follow(t.Context(), s, Target{Namespace: wire.Namespace{"cam"}, Track: wire.Some("video")}, o, func(wire.FullTrackName, *live.Object) error {
			if seen++; seen == 1 {
				close(first)
				return nil
			}
			return errStop
		})
	}()
	for !strings.Contains(p.log.String(), "nobody publishes this yet") {
		time.Sleep(time.Millisecond)
	}
	video := p.track("cam", "video", "a")
	<-first
	p.origin.RemoveTrack(video.Name())
	video.Close(wire.DoneTrackEnded, "over")
	for !strings.Contains(p.log.String(), "the publication has ended") {
		time.Sleep(time.Millisecond)
	}
	p.track("cam", "video", "b")
	if err := <-done; !errors.Is(err, errStop) {
		t.Error(err)
	}
}

func TestFollowOnce(t *testing.T) {
	p := newPublisher(t)
	s, _ := p.session()
	o := p.options()
	o.Once, o.Join = true, wire.Some(uint64(0))
	target := Target{Namespace: wire.Namespace{"cam"}, Track: wire.Some("video")}
	if err := follow(t.Context(), s, target, o, nil); err == nil || err.Error() != "nobody publishes cam video" {
		t.Errorf("missing: %v", err)
	}
	video := p.track("cam", "video", "a")
	err := follow(t.Context(), s, target, o, func(wire.FullTrackName, *live.Object) error {
		video.Close(wire.DoneTrackEnded, "over")
		return nil
	})
	if err != nil {
		t.Errorf("ended: %v", err)
	}
}

// All that a track has comes once, over two sessions that are exchanged while
// both live, and over one that follows a loss: what came in between is fetched.
func TestFollowMoves(t *testing.T) {
	for name, lose := range map[string]bool{"hand over": false, "loss": true} {
		t.Run(name, func(t *testing.T) {
			p := newPublisher(t)
			video := live.NewTrack(fullName("cam", "video"), live.Options{RetainGroups: 100})
			p.origin.AddTrack(video)
			p.group(video, 0, "a", "b")
			var mu sync.Mutex
			var got []string
			f := NewFollower(Target{Namespace: wire.Namespace{"cam"}, Track: wire.Some("video")}, func() Options {
				o := p.options()
				o.Join = wire.Some(uint64(0))
				return o
			}(), func(_ wire.FullTrackName, o *live.Object) error {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprintf("%d/%d", o.Group, o.ID))
				return nil
			})
			defer f.Close()
			has := func(n int) bool {
				mu.Lock()
				defer mu.Unlock()
				return len(got) >= n
			}
			await := func(n int) {
				t.Helper()
				for deadline := time.Now().Add(10 * time.Second); !has(n); time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("%d objects: %v", len(got), got)
					}
				}
			}
			first, server := p.session()
			leave, left := make(chan struct{}), make(chan error, 1)
			go func() { left <- f.Use(t.Context(), first, leave) }()
			await(2)
			p.group(video, 1, "c", "d")
			await(4)
			if lose {
				server.Close(wire.SessionNoError, "")
				<-left
			}
			p.group(video, 2, "e", "f") // while there is no session, or the first alone
			p.group(video, 3, "g", "h")
			second, _ := p.session()
			go func() { _ = f.Use(t.Context(), second, nil) }()
			close(leave)
			await(8)
			p.group(video, 4, "i")
			await(9)
			if !lose {
				if err := <-left; err != nil {
					t.Errorf("the first session was left with %v", err)
				}
				first.Close(wire.SessionNoError, "")
				p.group(video, 5, "j")
				await(10)
			}
			want := "0/0 0/1 1/0 1/1 2/0 2/1 3/0 3/1 4/0"
			if !lose {
				want += " 5/0"
			}
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(got) // each group travels by itself
			if strings.Join(got, " ") != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// The end of the session and that of the context end Follow, each in its way.
func TestFollowEnds(t *testing.T) {
	p := newPublisher(t)
	p.track("cam", "video", "a")
	target := Target{Namespace: wire.Namespace{"cam"}, Track: wire.Some("video")}
	o := p.options()
	o.Join = wire.Some(uint64(0))
	s, server := p.session()
	err := follow(t.Context(), s, target, o, func(wire.FullTrackName, *live.Object) error {
		server.Close(wire.SessionUnauthorized, "go away")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "go away") {
		t.Errorf("session: %v", err)
	}
	s, _ = p.session()
	ctx, cancel := context.WithCancel(t.Context())
	if err := follow(ctx, s, target, o, func(wire.FullTrackName, *live.Object) error { cancel(); return nil }); err != nil {
		t.Errorf("context: %v", err)
	}
}

func TestObject(t *testing.T) {
	track := live.NewTrack(fullName("cam", "video"), live.Options{Now: func() time.Time { return time.UnixMicro(1_700_000_000_250_500) }})
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 7, Priority: 128, HasProperties: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range []*loc.Header{nil, {Timestamp: 1_700_000_000_200_000}, {Timestamp: 5, Timescale: 90000}, {Timestamp: 1 << 61}} {
		o := live.WholeObject{ID: uint64(i), Payload: []byte("xyz")}
		if h != nil {
			o.Properties = loc.AppendProperties(nil, *h)
		}
		if err := w.Append(o); err != nil {
			t.Fatal(err)
		}
	}
	reader := track.NewReader(wire.Location{})
	defer reader.Close()
	for i, want := range []string{
		"cam video group=7 object=0 subgroup=0 priority=128 size=3",
		"cam video group=7 object=1 subgroup=0 priority=128 size=3 time=22:13:20.200 latency=50.5ms",
		"cam video group=7 object=2 subgroup=0 priority=128 size=3",
		"cam video group=7 object=3 subgroup=0 priority=128 size=3",
	} {
		o, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := NewObject(track.Name(), o).String(); got != want {
			t.Errorf("object %d: %s, want %s", i, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	start := time.Unix(1000, 0)
	s := NewSummary(start)
	for i := range 100 {
		latency := float64(i)
		s.Add(Object{Track: "video", Group: uint64(i / 10), Size: 1000, LatencyMs: &latency})
	}
	s.Add(Object{Track: "catalog", Size: 25_000})
	if got, want := s.Next(start.Add(time.Second)).String(), "0:01 | objects 101 | 1.00 Mbps | latency p50 49 ms, p95 94 ms, max 99 ms | catalog 1 (group 0) | video 100 (group 9)"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got, want := s.Next(start.Add(2*time.Second)).String(), "0:02 | objects 0 | 0.00 Mbps"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	late := 1e9
	s.Add(Object{Track: "video", LatencyMs: &late})
	if r := s.Total(start.Add(4 * time.Second)); r.Objects != 102 || r.Mbps != 0.25 || r.Latency.MaxMs != late || r.Seconds != 4 {
		t.Errorf("%+v", r)
	}
}

func TestReport(t *testing.T) {
	p := newPublisher(t)
	reader := p.track("cam", "video", "one", "two").NewReader(wire.Location{})
	defer reader.Close()
	var objects []*live.Object
	for range 2 {
		o, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
	take := func(c ReportConfig) (printed, payloads string, last error) {
		var out, raw bytes.Buffer
		c.Console, c.Output = console.New(&out, nil), &raw
		r := NewReport(c)
		for _, o := range objects {
			if last = r.Take(fullName("cam", "video"), o); last != nil {
				break
			}
		}
		r.Finish()
		return out.String(), raw.String(), last
	}
	if printed, payloads, err := take(ReportConfig{}); strings.Count(printed, "\n") != 2 || payloads != "onetwo" || err != nil {
		t.Errorf("lines: %q, %q, %v", printed, payloads, err)
	}
	if printed, payloads, err := take(ReportConfig{JSON: true, Count: 1}); !strings.HasPrefix(printed, `{"type":"object","namespace":"cam","track":"video","group":0,`) || payloads != "one" || !errors.Is(err, ErrEnough) {
		t.Errorf("JSON: %q, %q, %v", printed, payloads, err)
	}
	if printed, _, _ := take(ReportConfig{Interval: time.Hour}); !strings.HasPrefix(printed, "total 0:00 | objects 2 |") {
		t.Errorf("total: %q", printed)
	}
	if printed, payloads, _ := take(ReportConfig{Quiet: true}); printed != "" || payloads != "onetwo" {
		t.Errorf("quiet: %q, %q", printed, payloads)
	}
	full := ReportConfig{Console: console.New(&bytes.Buffer{}, nil), Output: broken{}}
	if err := NewReport(full).Take(fullName("cam", "video"), objects[0]); !errors.Is(err, errStop) {
		t.Errorf("full disk: %v", err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errStop }
