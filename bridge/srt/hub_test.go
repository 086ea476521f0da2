package srt

import (
	"context"
	"slices"
	"sync"
	"syscall"
	"testing"

	"moqedge/bridge"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// offered is a bridge.Publisher that keeps the tracks on offer.
type offered struct {
	mu     sync.Mutex
	tracks map[string]*live.Track
	added  int
}

func (o *offered) AddNamespace(wire.Namespace)    {}
func (o *offered) RemoveNamespace(wire.Namespace) {}

func (o *offered) AddTrack(t *live.Track) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracks[t.Name().Namespace[0]+"/"+t.Name().Name] = t
	o.added++
}

func (o *offered) RemoveTrack(n wire.FullTrackName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tracks, n.Namespace[0]+"/"+n.Name)
}

func (o *offered) names() (names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for name := range o.tracks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// group returns the largest group of a track; ok is false before there is any.
func (o *offered) group(name string) (group uint64, ok bool) {
	o.mu.Lock()
	t := o.tracks[name]
	o.mu.Unlock()
	if t == nil {
		return 0, false
	}
	l, ok := t.Largest()
	return l.Group, ok
}

// The whole way with the real hub: what ffmpeg sends becomes tracks, and an
// encoder that comes back goes on in them.
func TestRealHub(t *testing.T) {
	o := &offered{tracks: make(map[string]*live.Track)}
	l := &lines{}
	hub := bridge.NewHub(o, bridge.Config{Logger: l.logger()})
	defer hub.Close()
	s, err := Listen(Config{Addr: "127.0.0.1:0", Hub: hub, Logger: l.logger()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	defer func() {
		cancel()
		wg.Wait()
		if t.Failed() {
			t.Logf("log:\n%s", l)
		}
	}()
	r := &running{Server: s, log: l}

	// In the hub a group begins with each key frame and with each second of audio.
	first := publish(t, r.url("publish:cam1"))
	const video, audio = "cam1.msf/video_180_avc", "cam1.loc/audio_aac"
	reached := func(name string, group uint64) func() bool {
		return func() bool { g, ok := o.group(name); return ok && g >= group }
	}
	wait(t, "video", reached(video, 0))
	begun, _ := o.group(video)
	wait(t, "three groups of video", reached(video, begun+2))
	wait(t, "audio", reached(audio, 0))
	want := []string{"cam1.loc/audio_aac", "cam1.loc/catalog", "cam1.loc/video_180_avc", "cam1.msf/audio_aac", "cam1.msf/catalog", "cam1.msf/video_180_avc"}
	if got := o.names(); !slices.Equal(got, want) {
		t.Fatalf("tracks %q", got)
	}
	o.mu.Lock()
	added := o.added
	o.mu.Unlock()
	if status := hub.Names(); len(status) != 1 || !status[0].Live || status[0].Ingest.Protocol != "srt" {
		t.Errorf("status %+v", status)
	}

	first.stop(syscall.SIGTERM)
	wait(t, "the publisher to be gone", func() bool { n := hub.Names(); return len(n) == 1 && !n[0].Live })
	before, _ := o.group(video)
	second := publish(t, r.url("#!::r=cam1,m=publish"))
	wait(t, "two more groups", reached(video, before+2))
	o.mu.Lock()
	if o.added != added {
		t.Errorf("%d tracks were added for the second publication", o.added-added)
	}
	o.mu.Unlock()
	second.stop(syscall.SIGTERM)
}
