package bridge

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

// TestCatalogGolden publishes H.264 and AAC whose parameters are known: the
// catalogs are there at once, before any media.
func TestCatalogGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the virtual clock starts at 2000-01-01 00:00 UTC
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		b, err := h.Publish("cam1", Ingest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = b.AddVideo(VideoConfig{Codec: H264, ParameterSets: sets1080(t)}); err != nil {
			t.Fatal(err)
		}
		if _, err = b.AddAudio(AudioConfig{Codec: AAC, ASC: []byte{0x11, 0x90}}); err != nil {
			t.Fatal(err)
		}
		if events := p.takeEvents(); len(events) != 0 {
			t.Errorf("offered before Ready: %v", events)
		}
		b.Ready()
		want := []string{
			"+cam1.loc/catalog", "+cam1.msf/catalog",
			"+cam1.loc/video_1080_avc", "+cam1.msf/video_1080_avc", "+cam1.loc/audio_aac", "+cam1.msf/audio_aac",
			"+cam1.loc", "+cam1.msf",
		}
		if events := p.takeEvents(); !slices.Equal(events, want) {
			t.Errorf("offered %v\nwant %v", events, want)
		}
		for _, packaging := range []string{"loc", "msf"} {
			objects := p.track(t, "cam1."+packaging+"/catalog").objects
			if len(objects) != 1 || objects[0].Location() != (wire.Location{}) || objects[0].Subgroup != 0 || objects[0].Priority != priorityCatalog {
				t.Fatalf("%s catalog objects %v", packaging, locations(objects))
			}
			want, err := os.ReadFile(filepath.Join("testdata", "catalog-"+packaging+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(objects[0].Payload()); got != strings.TrimSpace(string(want)) {
				t.Errorf("%s catalog\ngot  %s\nwant %s", packaging, got, want)
			}
		}
		for _, name := range []string{"catalog", "audio_aac", "video_1080_avc"} {
			for _, packaging := range []string{"loc", "msf"} {
				if raw, _ := p.track(t, "cam1."+packaging+"/"+name).track.Properties(); len(raw) > 0 {
					t.Errorf("%s of %s has track properties % x", name, packaging, raw)
				}
			}
		}
	})
}

func TestCatalogInitDecodes(t *testing.T) {
	p := newFakePublisher()
	h := NewHub(p, Config{})
	defer h.Close()
	b, err := h.Publish("cam1", Ingest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = b.AddVideo(VideoConfig{Codec: VP8, Width: 640, Height: 480}); err != nil {
		t.Fatal(err)
	}
	if _, err = b.AddAudio(AudioConfig{Codec: Opus, Channels: 1}); err != nil {
		t.Fatal(err)
	}
	b.Ready()
	c, _ := p.lastCatalog(t, "cam1.msf")
	if len(c.Tracks) != 2 || c.Tracks[0].Name != "video_480_vp8" || c.Tracks[1].Name != "audio_opus" {
		t.Fatalf("tracks %+v", c.Tracks)
	}
	for i, want := range []struct {
		codec     string
		timescale uint32
	}{{"vp08.00.10.08", 1_000_000}, {"opus", 48000}} {
		init, err := c.Init(c.Tracks[i])
		if err != nil {
			t.Fatal(err)
		}
		mdhd := decodeBoxes(t, init).Init.Moov.Trak.Mdia.Mdhd
		if c.Tracks[i].Codec != want.codec || mdhd.Timescale != want.timescale || c.Tracks[i].Timescale != int(want.timescale) {
			t.Errorf("%+v, timescale %d", c.Tracks[i], mdhd.Timescale)
		}
	}
	if c, _ = p.lastCatalog(t, "cam1.loc"); c.Tracks[0].Codec != "vp8" || c.Tracks[1].Codec != "opus" || len(c.InitDataList) != 0 {
		t.Errorf("LOC catalog %+v", c)
	}
}

// TestCatalogAgain: a full catalog in a new group every second, also while
// nobody publishes.
func TestCatalogAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		one := publish(t, h, "cam1")
		one.play(t, 1)
		one.b.Close(nil)
		for range 7 { // read before the track forgets
			p.track(t, "cam1.loc/catalog")
			time.Sleep(time.Second)
		}
		objects := p.take(t, "cam1.loc/catalog")
		if len(objects) < 8 || len(objects) > 10 {
			t.Errorf("%d catalogs in 8 seconds", len(objects))
		}
		for i, o := range objects {
			if o.Location() != (wire.Location{Group: uint64(i)}) {
				t.Errorf("catalog %d at %v", i, o.Location())
			}
			if _, err := msf.Parse(o.Payload()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestWithoutReady: the catalog comes 300 ms after the first media.
func TestWithoutReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		b, err := h.Publish("cam1", Ingest{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.AddAudio(AudioConfig{Codec: Opus, Channels: 2})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for len(p.takeEvents()) == 0 {
			if err := a.Write(AudioUnit{PTS: time.Now().UnixMicro(), Frame: []byte{0xfc, 1}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if d := time.Since(start); d < 300*time.Millisecond || d > 350*time.Millisecond {
			t.Errorf("the catalog came after %v", d)
		}
		if n := len(p.take(t, "cam1.loc/audio_opus")); n != 16 {
			t.Errorf("%d objects, those before the catalog included", n)
		}
	})
}

// TestReadyButUnknown: video without parameters is waited for, but not for ever.
func TestReadyButUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		one := publish(t, h, "cam1")
		start := time.Now()
		var events []string
		for ; len(events) == 0; events = p.takeEvents() {
			if err := one.a.Write(AudioUnit{PTS: time.Now().UnixMicro(), Frame: []byte{0x21}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		if d := time.Since(start); d < 2*time.Second || d > 2050*time.Millisecond || slices.Contains(events, "+cam1.loc/video_360_avc") {
			t.Errorf("after %v: %v", d, events)
		}
		_, before := p.lastCatalog(t, "cam1.loc")
		one.play(t, 1)
		c, group := p.lastCatalog(t, "cam1.loc")
		if len(c.Tracks) != 2 || group <= before {
			t.Errorf("catalog of group %d: %+v", group, c.Tracks)
		}
		if events := p.takeEvents(); !slices.Equal(events, []string{"+cam1.loc/video_360_avc", "+cam1.msf/video_360_avc"}) {
			t.Errorf("offered %v", events)
		}
	})
}

// TestMeasured: bitrate and frame rate in later catalogs are what was measured.
func TestMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newFakePublisher()
		h := NewHub(p, Config{})
		defer h.Close()
		b, err := h.Publish("cam1", Ingest{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.AddVideo(VideoConfig{Codec: VP8})
		if err != nil {
			t.Fatal(err)
		}
		b.Ready()
		for i := range 60 {
			now := time.Now().UnixMicro()
			if err := v.Write(VideoUnit{PTS: now, DTS: now, Key: i%20 == 0, Frame: vp8Frame(i%20 == 0, 640, 480, 1000)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Second)
		c, _ := p.lastCatalog(t, "cam1.loc")
		if c.Tracks[0].Bitrate != 160_000 || c.Tracks[0].Framerate != 20 {
			t.Errorf("20 frames of 1000 bytes in a second: %+v", c.Tracks[0])
		}
		if s := h.Names()[0].Tracks[0]; s.Bitrate != 160_000 || s.Framerate != 20 || s.Width != 640 || s.Codec != "vp8" {
			t.Errorf("status %+v", s)
		}
	})
}
