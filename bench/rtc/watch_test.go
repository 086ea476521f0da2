package rtc

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/sfu"
)

// A viewer that knows nothing of the source tells what it gets, also over a bad line.
func TestWatch(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "3mbps", media.Options{Sound: true}))
	r.publish()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	into := new(Observer)
	var running sync.WaitGroup
	for _, l := range []*link.Emulator{nil, (link.Link{Delay: 10 * time.Millisecond, Loss: 0.02}).Emulate(1, r.start)} {
		running.Go(func() {
			if err := Watch(ctx, Options{URL: r.url + "/whep/live", Link: l}, into); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "first frames", func() bool {
		started, viewers := into.Started()
		return viewers == 2 && started == viewers
	})
	var got Observation
	from := time.Now()
	// Sound is not repaired, so some of it goes missing before long.
	eventually(t, "frames of both kinds, and gaps in the sound", func() bool {
		got = into.Window(from, time.Now())
		return got.Kinds["video"].Frames > 100 && got.Kinds["audio"].Frames > 100 && got.Kinds["audio"].Missing > 0
	})
	cancel()
	running.Wait()
	v, a := got.Kinds["video"], got.Kinds["audio"]
	if v.Keys == 0 || v.Missing*20 > v.Frames || v.Broken > 0 || v.Bytes/v.Frames != 12500 || v.Codecs[0] != "video/H264" {
		t.Errorf("video: %+v", v)
	}
	if a.Codecs[0] != "audio/opus" || a.Bytes/a.Frames != 120 {
		t.Errorf("sound: %+v", a)
	}
	if got.Connect.Count != 2 || got.Startup.Count != 2 || v.Delay.Count == 0 || v.Latency.Count != 0 {
		t.Errorf("%+v", got)
	}
}

// A server that is not ours: it wants a token, sends VP8, and tells when a frame was
// captured.
func TestWatchForeign(t *testing.T) {
	f := &foreign{t: t}
	server := httptest.NewServer(f)
	defer server.Close()
	into := new(Observer)
	if err := Watch(t.Context(), Options{URL: server.URL + "/whep"}, into); err == nil {
		t.Error("the server let us in without a token")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Watch(ctx, Options{URL: server.URL + "/whep", Token: "secret"}, into) }()
	var got ObservedKind
	eventually(t, "frames", func() bool {
		got = into.Window(time.Time{}, time.Now()).Kinds["video"]
		return got.Frames >= 20
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	f.end()
	if got.Codecs[0] != webrtc.MimeTypeVP8 || got.Latency.Count < 20 || got.Latency.P50 < captureAge || got.Latency.P50 > captureAge+10*time.Second {
		t.Errorf("%+v", got)
	}
}

// captureAge is how old frames of foreign are when they are sent.
const captureAge = 300 * time.Millisecond

// foreign is a WHEP server for one viewer.
type foreign struct {
	t       *testing.T
	pc      *webrtc.PeerConnection
	stop    chan struct{}
	running sync.WaitGroup
}

func (f *foreign) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodDelete {
		return
	}
	offer, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	w.Header().Set("Location", "/session")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, f.answer(string(offer)))
}

func (f *foreign) answer(offer string) string {
	check := func(err error) {
		if err != nil {
			f.t.Error(err)
		}
	}
	engine, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	check(engine.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: vp8, PayloadType: 99}, webrtc.RTPCodecTypeVideo))
	check(engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: captureURI}, webrtc.RTPCodecTypeVideo))
	chain.Add(stampFactory{})
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings))
	var err error
	f.pc, err = api.NewPeerConnection(webrtc.Configuration{})
	check(err)
	track, err := webrtc.NewTrackLocalStaticRTP(vp8, "v", "s")
	check(err)
	_, err = f.pc.AddTrack(track)
	check(err)
	check(f.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))
	answer, err := f.pc.CreateAnswer(nil)
	check(err)
	gathered := webrtc.GatheringCompletePromise(f.pc)
	check(f.pc.SetLocalDescription(answer))
	<-gathered
	f.stop = make(chan struct{})
	f.running.Go(func() { f.send(track) })
	return f.pc.LocalDescription().SDP
}

// send writes pictures of two packets.
func (f *foreign) send(track *webrtc.TrackLocalStaticRTP) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for n := uint16(0); ; n++ {
		for part := range uint16(2) {
			p := rtp.Packet{
				Header:  rtp.Header{Version: 2, SequenceNumber: 2*n + part, Timestamp: uint32(n) * 1800, Marker: part == 1},
				Payload: []byte{0x10, 1, 2, 3},
			}
			if err := track.WriteRTP(&p); err != nil {
				return
			}
		}
		select {
		case <-ticker.C:
		case <-f.stop:
			return
		}
	}
}

func (f *foreign) end() {
	close(f.stop)
	f.running.Wait()
	if err := f.pc.GracefulClose(); err != nil {
		f.t.Error(err)
	}
}

// stampFactory makes interceptors that tell when a packet's frame was captured.
type stampFactory struct{}

func (stampFactory) NewInterceptor(string) (interceptor.Interceptor, error) { return &stamper{}, nil }

type stamper struct{ interceptor.NoOp }

func (*stamper) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	var id uint8
	for _, e := range info.RTPHeaderExtensions {
		if e.URI == captureURI {
			id = uint8(e.ID)
		}
	}
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		b, err := rtp.NewAbsCaptureTimeExtension(time.Now().Add(-captureAge)).Marshal()
		if err != nil || id == 0 {
			return 0, err
		}
		if err := h.SetExtension(id, b); err != nil {
			return 0, err
		}
		return next.Write(h, payload, a)
	})
}
