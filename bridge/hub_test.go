package bridge

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/wire"
)

func TestPublishNames(t *testing.T) {
	h := NewHub(newFakePublisher(), Config{})
	defer h.Close()
	for name, ok := range map[string]bool{
		"cam1": true, "A-b_c.9": true, strings.Repeat("x", 64): true,
		"": false, ".hidden": false, "a/b": false, "a b": false, "ä": false, "a%b": false, strings.Repeat("x", 65): false,
	} {
		b, err := h.Publish(name, Ingest{Protocol: "srt", Remote: "192.0.2.1:4000"})
		if ok != (err == nil) || (!ok && !errors.Is(err, ErrBadName)) {
			t.Errorf("%q: %v", name, err)
		}
		if b != nil {
			b.Close(nil)
		}
	}
}

func TestNameInUse(t *testing.T) {
	h := NewHub(newFakePublisher(), Config{})
	b, err := h.Publish("cam1", Ingest{Protocol: "srt", Remote: "192.0.2.1:4000"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Publish("cam1", Ingest{Protocol: "whip", Remote: "192.0.2.2:5000"})
	if !errors.Is(err, ErrNameInUse) || !strings.Contains(err.Error(), "srt") || !strings.Contains(err.Error(), "192.0.2.1:4000") {
		t.Errorf("second publisher: %v", err)
	}
	if s := h.Names(); len(s) != 1 || s[0].Name != "cam1" || !s[0].Live || s[0].Ingest.Protocol != "srt" {
		t.Errorf("names %+v", s)
	}
	b.Close(io.EOF)
	b.Close(nil) // does nothing
	if s := h.Names(); len(s) != 1 || s[0].Live {
		t.Errorf("names in the grace %+v", s)
	}
	if b, err = h.Publish("cam1", Ingest{Protocol: "whip"}); err != nil {
		t.Fatalf("publishing in the grace: %v", err)
	}
	h.Close()
	<-b.Done()
	if !errors.Is(b.Err(), ErrClosed) {
		t.Errorf("after the hub closed: %v", b.Err())
	}
	if _, err = h.Publish("cam2", Ingest{}); !errors.Is(err, ErrClosed) {
		t.Errorf("publishing on a closed hub: %v", err)
	}
	if len(h.Names()) != 0 {
		t.Errorf("names of a closed hub: %+v", h.Names())
	}
	h.Close()
}

func TestClosedBroadcast(t *testing.T) {
	h := NewHub(newFakePublisher(), Config{})
	defer h.Close()
	b, err := h.Publish("cam1", Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.AddVideo(VideoConfig{Codec: H264})
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.AddAudio(AudioConfig{Codec: Opus, SampleRate: 48000, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	b.Close(nil)
	if !errors.Is(b.Err(), io.EOF) {
		t.Errorf("reason %v", b.Err())
	}
	b.Ready()
	if err := v.Write(VideoUnit{Key: true, NALUs: idr(sets360(t))}); !errors.Is(err, ErrClosed) {
		t.Errorf("video: %v", err)
	}
	if err := a.Write(AudioUnit{Frame: []byte{0xfc}}); !errors.Is(err, ErrClosed) {
		t.Errorf("audio: %v", err)
	}
	if _, err := b.AddVideo(VideoConfig{Codec: VP8}); !errors.Is(err, ErrClosed) {
		t.Errorf("AddVideo: %v", err)
	}
	if _, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 1}); !errors.Is(err, ErrClosed) {
		t.Errorf("AddAudio: %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	h := NewHub(newFakePublisher(), Config{})
	defer h.Close()
	b, err := h.Publish("cam1", Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(nil)
	for name, c := range map[string]VideoConfig{
		"no codec": {}, "audio codec": {Codec: AAC}, "broken SPS": {Codec: H264, ParameterSets: [][]byte{{0x67, 1}}},
	} {
		if _, err := b.AddVideo(c); !errors.Is(err, ErrUnsupported) {
			t.Errorf("video, %s: %v", name, err)
		}
	}
	for name, c := range map[string]AudioConfig{
		"no codec": {}, "video codec": {Codec: VP8}, "AAC without configuration": {Codec: AAC}, "5.1 Opus": {Codec: Opus, Channels: 6},
	} {
		if _, err := b.AddAudio(c); !errors.Is(err, ErrUnsupported) {
			t.Errorf("audio, %s: %v", name, err)
		}
	}
}

// publication is a broadcast with video and audio as an SRT ingest makes it.
type publication struct {
	b *Broadcast
	v *VideoTrack
	a *AudioTrack
}

func publish(t *testing.T, h *Hub, name string) publication {
	t.Helper()
	b, err := h.Publish(name, Ingest{Protocol: "srt", Remote: "192.0.2.1:4000"})
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.AddVideo(VideoConfig{Codec: H264})
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.AddAudio(AudioConfig{Codec: AAC, ASC: []byte{0x11, 0x90}})
	if err != nil {
		t.Fatal(err)
	}
	b.Ready()
	return publication{b, v, a}
}

// play writes groups of 25 pictures and the sound that goes with them, in (virtual) real time.
func (p publication) play(t *testing.T, groups int) {
	t.Helper()
	for range groups {
		for i := range 25 {
			now := time.Now().UnixMicro()
			u := VideoUnit{PTS: now, DTS: now, NALUs: delta()}
			if i == 0 {
				u.Key, u.NALUs = true, idr(sets360(t))
			}
			if err := p.v.Write(u); err != nil {
				t.Fatal(err)
			}
			if p.a != nil {
				for j := range 2 {
					if err := p.a.Write(AudioUnit{PTS: now + int64(j)*20000, Frame: []byte{0x21, 0x10}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(40 * time.Millisecond)
		}
	}
}

func groups(locations []wire.Location) (first, last uint64) {
	if len(locations) == 0 {
		return 0, 0
	}
	return locations[0].Group, locations[len(locations)-1].Group
}

func TestReturnInGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		one := publish(t, h, "cam1")
		one.play(t, 3)
		before := p.take(t, "cam1.loc/video_360_avc")
		_, lastBefore := groups(locations(before))
		_, catalogBefore := p.lastCatalog(t, "cam1.loc")
		track := p.track(t, "cam1.loc/video_360_avc").track
		one.b.Close(errors.New("connection lost"))
		p.takeEvents()

		time.Sleep(9 * time.Second)
		two := publish(t, h, "cam1")
		two.play(t, 2)
		time.Sleep(2 * time.Second)
		if events := p.takeEvents(); len(events) != 0 {
			t.Errorf("tracks or namespaces moved: %v", events)
		}
		if p.track(t, "cam1.loc/video_360_avc").track != track || track.Done() != nil {
			t.Error("the track did not go on")
		}
		after := locations(p.take(t, "cam1.loc/video_360_avc"))
		if first, last := groups(after); first != lastBefore+1 || last != lastBefore+2 || len(after) != 50 {
			t.Errorf("%d objects in groups %d to %d after group %d", len(after), first, last, lastBefore)
		}
		c, group := p.lastCatalog(t, "cam1.loc")
		if len(c.Tracks) != 2 || group < catalogBefore+12 {
			t.Errorf("catalog of group %d (was %d): %+v", group, catalogBefore, c)
		}
		two.b.Close(nil)
	})
}

func TestReturnWithOtherTracks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		one := publish(t, h, "cam1")
		one.play(t, 1)
		audio := p.track(t, "cam1.msf/audio_aac").track
		one.b.Close(nil)
		b, err := h.Publish("cam1", Ingest{Protocol: "whip"})
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.AddVideo(VideoConfig{Codec: H264, ParameterSets: sets360(t)})
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		b.Ready()
		c, _ := p.lastCatalog(t, "cam1.msf")
		if len(c.Tracks) != 2 || c.Tracks[0].Name != "video_360_avc" || c.Tracks[1].Name != "audio_opus" {
			t.Errorf("catalog %+v", c.Tracks)
		}
		if done := audio.Done(); done == nil || done.Code != wire.DoneTrackEnded || p.offered["cam1.msf/audio_aac"] {
			t.Errorf("the AAC track ended with %+v", done)
		}
		now := time.Now().UnixMicro()
		if err := v.Write(VideoUnit{PTS: now, DTS: now, Key: true, NALUs: idr(nil)}); err != nil {
			t.Fatal(err)
		}
		if err := a.Write(AudioUnit{PTS: now, Frame: []byte{0xfc, 1}}); err != nil {
			t.Fatal(err)
		}
		if n := len(p.take(t, "cam1.msf/audio_opus")); n != 1 {
			t.Errorf("%d Opus objects", n)
		}
	})
}

func TestEndOfGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{Grace: 5 * time.Second})
		defer h.Close()
		one := publish(t, h, "cam1")
		one.play(t, 2)
		video := p.track(t, "cam1.msf/video_360_avc")
		catalog := p.track(t, "cam1.msf/catalog")
		_, lastGroup := groups(locations(video.objects))
		p.takeEvents()
		one.b.Close(io.EOF)
		time.Sleep(4900 * time.Millisecond)
		if video.track.Done() != nil || len(h.Names()) != 1 {
			t.Error("the grace was too short")
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if len(h.Names()) != 0 || len(p.namespaces) != 0 || len(p.offered) != 0 {
			t.Errorf("left: names %v, namespaces %v, tracks %v", h.Names(), p.namespaces, p.offered)
		}
		for _, c := range []*collector{video, catalog} {
			if done := c.track.Done(); done == nil || done.Code != wire.DoneTrackEnded {
				t.Errorf("%v ended with %+v", c.track.Name(), done)
			}
		}
		if events := p.takeEvents(); len(events) != 8 || events[0] != "-cam1.loc" || events[1] != "-cam1.msf" {
			t.Errorf("events %v", events)
		}
		last, lastCatalog := p.lastCatalog(t, "cam1.msf")
		if len(last.Tracks) != 0 || last.IsComplete {
			t.Errorf("last catalog %+v", last)
		}

		two := publish(t, h, "cam1")
		two.play(t, 1)
		if _, first := p.lastCatalog(t, "cam1.msf"); first <= lastCatalog {
			t.Errorf("catalog group %d after %d", first, lastCatalog)
		}
		if first, _ := groups(locations(p.take(t, "cam1.msf/video_360_avc"))); first <= lastGroup {
			t.Errorf("media group %d after %d", first, lastGroup)
		}
		two.b.Close(nil)
	})
}

func TestHubClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		one := publish(t, h, "cam1")
		one.play(t, 1)
		h.Close()
		<-one.b.Done()
		for _, name := range []string{"cam1.loc/catalog", "cam1.msf/audio_aac"} {
			if done := p.track(t, name).track.Done(); done == nil || done.Code != wire.DoneGoingAway {
				t.Errorf("%s ended with %+v", name, done)
			}
		}
		if len(p.offered) != 0 || len(p.namespaces) != 0 {
			t.Errorf("left: %v %v", p.offered, p.namespaces)
		}
		if c, _ := p.lastCatalog(t, "cam1.loc"); len(c.Tracks) == 0 {
			t.Error("shutting down emptied the catalog")
		}
	})
}

func TestCatalogNumbersAreBounded(t *testing.T) {
	var n catalogNumbers
	n.remember("first", 7)
	if n.next("first") != 7 || n.next("other") != 0 {
		t.Errorf("%d %d", n.next("first"), n.next("other"))
	}
	for i := range maxCatalogNumbers {
		n.remember(strings.Repeat("x", i+1), 1)
	}
	if len(n.nextGroup) != maxCatalogNumbers || len(n.order) != maxCatalogNumbers || n.next("first") != 0 {
		t.Errorf("%d names, first is at %d", len(n.nextGroup), n.next("first"))
	}
}
