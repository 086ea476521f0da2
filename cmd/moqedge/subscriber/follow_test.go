package subscriber

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

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

// eventually waits for a condition; the bound only ends a hopeless test.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
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
	eventually(t, func() bool { return strings.Contains(p.log.String(), "nobody publishes this yet") })
	video := p.track("cam", "video", "a")
	<-first
	p.origin.RemoveTrack(video.Name())
	video.Close(wire.DoneTrackEnded, "over")
	eventually(t, func() bool { return strings.Contains(p.log.String(), "the publication has ended") })
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
				eventually(t, func() bool { return has(n) })
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
