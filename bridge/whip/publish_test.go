package whip

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

// checkTimes verifies that stamps ascend and agree with when media arrived.
func checkTimes(t *testing.T, b *fakeBroadcast) {
	t.Helper()
	b.hub.mu.Lock()
	defer b.hub.mu.Unlock()
	last := int64(0)
	check := func(kind string, i int, pts int64, at time.Time) {
		if pts <= last {
			t.Fatalf("%s %d: stamp %d after %d", kind, i, pts, last)
		}
		last = pts
		// Loopback takes no time, but the machine of a test may be busy.
		if age := at.UnixMicro() - pts; age < -100_000 || age > 2_000_000 {
			t.Fatalf("%s %d: stamped %d us before it arrived", kind, i, age)
		}
	}
	for i, u := range b.video {
		if u.DTS != u.PTS {
			t.Fatalf("video %d: PTS %d DTS %d", i, u.PTS, u.DTS)
		}
		check("video", i, u.PTS, u.at)
	}
	last = 0
	for i, u := range b.audio {
		check("audio", i, u.PTS, u.at)
	}
}

func TestPublishH264(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{}, hub)
	media := h264Clip(t)
	client, sender := publish(t, url+"cam1", media, nil)
	stop := sender.start(t)
	b := hub.only(t)
	eventually(t, "60 pictures and 100 audio frames", func() bool {
		return b.look(func(b *fakeBroadcast) bool { return len(b.video) >= 60 && len(b.audio) >= 100 })
	})
	stop()
	checkTimes(t, b)
	b.look(func(b *fakeBroadcast) bool {
		if !b.ready || b.from.Protocol != "whip" || b.from.Remote == "" {
			t.Errorf("ready %v from %v", b.ready, b.from)
		}
		if b.videoAs.Codec != bridge.H264 || len(b.videoAs.ParameterSets) != 2 {
			t.Errorf("video config %+v", b.videoAs)
		}
		if a := b.audioAs; a.Codec != bridge.Opus || a.SampleRate != 48000 || a.Channels != 2 {
			t.Errorf("audio config %+v", b.audioAs)
		}
		// Every picture came, byte for byte, and key frames are where they were.
		first := -1
		for i := range media.pictures {
			if media.keys[i] && bytes.Equal(annexB(b.video[0].NALUs), media.pictures[i]) {
				first = i
				break
			}
		}
		if first < 0 {
			t.Fatal("the first picture is none of the key frames sent")
		}
		for i, u := range b.video {
			n := (first + i) % len(media.pictures)
			if u.Key != media.keys[n] || !bytes.Equal(annexB(u.NALUs), media.pictures[n]) {
				t.Fatalf("picture %d differs from what was sent", i)
			}
		}
		return true
	})
	if status := client.remove(); status != http.StatusOK {
		t.Fatalf("DELETE: %d", status)
	}
	b.look(func(b *fakeBroadcast) bool {
		if !b.closed || b.reason != nil {
			t.Errorf("closed %v: %v", b.closed, b.reason)
		}
		return true
	})
	eventually(t, "the session's place is free", func() bool { return h.Sessions() == 0 })
	if status := client.remove(); status != http.StatusNotFound {
		t.Fatalf("DELETE again: %d", status)
	}
}

func annexB(nalus [][]byte) (b []byte) {
	for _, n := range nalus {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

func TestPublishVP8(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	_, url := serve(t, Config{}, hub)
	media := vp8Clip(t)
	_, sender := publish(t, url+"cam1", media, nil)
	sender.start(t)
	b := hub.only(t)
	eventually(t, "40 pictures", func() bool {
		return b.look(func(b *fakeBroadcast) bool { return len(b.video) >= 40 })
	})
	checkTimes(t, b)
	b.look(func(b *fakeBroadcast) bool {
		if b.videoAs.Codec != bridge.VP8 || b.videoAs.Width != 320 || b.videoAs.Height != 240 || !b.ready {
			t.Errorf("video config %+v ready %v", b.videoAs, b.ready)
		}
		if !b.video[0].Key || !bytes.Equal(b.video[0].Frame, media.pictures[0]) {
			t.Error("the first picture is not the first key frame")
		}
		return true
	})
}

// Packets that the network loses once are repaired by NACK: no picture is missing.
func TestLossIsRepaired(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	_, url := serve(t, Config{PacketWait: 2 * time.Second}, hub)
	media := h264Clip(t)
	var dropped atomic.Int64
	_, sender := publish(t, url+"cam1", media, &lossFactory{drop: func(info *interceptor.StreamInfo, h *rtp.Header, count int) bool {
		drop := strings.EqualFold(info.MimeType, "video/h264") && count == 0 && h.SequenceNumber%10 == 3
		if drop {
			dropped.Add(1)
		}
		return drop
	}})
	sender.start(t)
	b := hub.only(t)
	eventually(t, "75 pictures", func() bool {
		return b.look(func(b *fakeBroadcast) bool { return len(b.video) >= 75 })
	})
	if dropped.Load() == 0 {
		t.Fatal("nothing was dropped")
	}
	b.look(func(b *fakeBroadcast) bool {
		missing := 0
		for i := 1; i < len(b.video); i++ {
			n := indexOf(media, b.video[i-1]) + 1
			if !bytes.Equal(annexB(b.video[i].NALUs), media.pictures[n%len(media.pictures)]) {
				missing++
			}
		}
		// A packet before the very first one cannot be known to be missing.
		if missing > 1 {
			t.Errorf("%d gaps although everything was repeated", missing)
		}
		return true
	})
}

func indexOf(c *clip, u gotVideo) int {
	b := annexB(u.NALUs)
	for i, p := range c.pictures {
		if bytes.Equal(b, p) {
			return i
		}
	}
	return -1
}

// What stays lost costs pictures up to the next key frame, which is asked for;
// audio goes on.
func TestLossAsksForKeyFrame(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	_, url := serve(t, Config{PacketWait: 50 * time.Millisecond, KeyFrameEvery: time.Hour}, hub)
	media := h264Clip(t)
	var mu sync.Mutex
	frames, gone := 0, map[uint16]bool{}
	client, sender := publish(t, url+"cam1", media, &lossFactory{drop: func(info *interceptor.StreamInfo, h *rtp.Header, count int) bool {
		if !strings.EqualFold(info.MimeType, "video/h264") {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		// One picture of 45 between two key frames, and its repetitions.
		if count == 0 {
			gone[h.SequenceNumber] = frames%45 == 20
			if h.Marker {
				frames++
			}
		}
		return gone[h.SequenceNumber]
	}})
	sender.start(t)
	b := hub.only(t)
	eventually(t, "150 pictures sent", func() bool { return sender.sent.Load() >= 150 })
	eventually(t, "key frames asked for after loss", func() bool { return client.plis.Load() >= 2 })
	b.look(func(b *fakeBroadcast) bool {
		gaps := 0
		for i := 1; i < len(b.video); i++ {
			was, is := indexOf(media, b.video[i-1]), indexOf(media, b.video[i])
			if was < 0 || is < 0 {
				t.Fatal("a picture is not what was sent")
			}
			if is != (was+1)%len(media.pictures) {
				gaps++
				if !b.video[i].Key {
					t.Errorf("picture %d follows a gap and is no key frame", i)
				}
			}
		}
		if gaps == 0 || len(b.audio) < 100 {
			t.Errorf("%d gaps, %d audio frames", gaps, len(b.audio))
		}
		return true
	})
}

// A sender without key frames of its own is asked regularly.
func TestKeyFramesAreRequested(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	_, url := serve(t, Config{KeyFrameEvery: 100 * time.Millisecond}, hub)
	media := h264Clip(t)
	client, sender := publish(t, url+"cam1", media, nil)
	sender.start(t)
	eventually(t, "five requests", func() bool { return client.plis.Load() >= 5 })
}

func TestSharedPort(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	_, url := serve(t, Config{ICEAddr: "127.0.0.1:0"}, hub)
	media := vp8Clip(t)
	first, a := publish(t, url+"one", media, nil)
	second, b := publish(t, url+"two", media, nil)
	if p, q := candidatePort(first.answer), candidatePort(second.answer); p == "" || p != q {
		t.Fatalf("ports %q and %q", p, q)
	}
	a.start(t)
	b.start(t)
	eventually(t, "media of both", func() bool {
		hub.mu.Lock()
		defer hub.mu.Unlock()
		return len(hub.all) == 2 && len(hub.all[0].video) > 20 && len(hub.all[1].video) > 20
	})
}

// candidatePort is the one UDP port of an answer's candidates, "" for several.
func candidatePort(answer string) (port string) {
	for line := range strings.Lines(answer) {
		if fields := strings.Fields(line); strings.HasPrefix(line, "a=candidate:") {
			if port != "" && port != fields[5] {
				return ""
			}
			port = fields[5]
		}
	}
	return port
}

// The name is free when the client closes its connection without DELETE.
func TestClientGoesAway(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{}, hub)
	client, sender := publish(t, url+"cam1", vp8Clip(t), nil)
	stop := sender.start(t)
	b := hub.only(t)
	eventually(t, "media", func() bool { return b.look(func(b *fakeBroadcast) bool { return len(b.video) > 0 }) })
	stop()
	if err := client.pc.GracefulClose(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broadcast is closed", func() bool { return b.look(func(b *fakeBroadcast) bool { return b.closed }) })
	eventually(t, "no sessions", func() bool { return h.Sessions() == 0 })
}

func TestWriteErrorEndsSession(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{}, hub)
	_, sender := publish(t, url+"cam1", vp8Clip(t), nil)
	b := hub.only(t)
	b.look(func(b *fakeBroadcast) bool { b.writeErr = bridge.ErrTooLarge; return true })
	stop := sender.start(t)
	eventually(t, "the broadcast is closed", func() bool {
		return b.look(func(b *fakeBroadcast) bool { return b.closed && errors.Is(b.reason, bridge.ErrTooLarge) })
	})
	stop()
	eventually(t, "no sessions", func() bool { return h.Sessions() == 0 })
}

func TestHubEndsSession(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{}, hub)
	publish(t, url+"cam1", vp8Clip(t), nil)
	close(hub.only(t).done)
	eventually(t, "no sessions", func() bool { return h.Sessions() == 0 })
}

func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{ConnectTimeout: time.Millisecond}, hub)
	resp := request(t, http.MethodPost, url+"cam1", browserOffer, map[string]string{"Content-Type": signalling.SDPType})
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("POST: %s", resp.Status)
	}
	b := hub.only(t)
	eventually(t, "the session is given up", func() bool {
		return b.look(func(b *fakeBroadcast) bool { return errors.Is(b.reason, errNotConnected) })
	})
	eventually(t, "no sessions", func() bool { return h.Sessions() == 0 })
}

func TestCloseEndsSessions(t *testing.T) {
	t.Parallel()
	hub := &fakeHub{}
	h, url := serve(t, Config{}, hub)
	publish(t, url+"cam1", vp8Clip(t), nil)
	if err := h.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if b := hub.only(t); !b.look(func(b *fakeBroadcast) bool { return b.closed && errors.Is(b.reason, signalling.ErrClosed) }) {
		t.Fatalf("not closed, or for another reason: %v", b.reason)
	}
	resp := request(t, http.MethodPost, url+"cam2", browserOffer, map[string]string{"Content-Type": signalling.SDPType})
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("POST after close: %s", resp.Status)
	}
}
