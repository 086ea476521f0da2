package whip

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	rtcmedia "github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

const (
	testFPS   = 30
	frameTime = time.Second / testFPS
)

// clip is coded media for a sender: pictures and Opus packets of 20 ms.
type clip struct {
	mime     string
	pictures [][]byte // Annex B access units or VP8 frames
	keys     []bool
	opus     [][]byte
}

// encode runs ffmpeg; the media is real so that real depacketizing is tested.
func encode(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), file)
	args = append(append([]string{"-hide_banner", "-loglevel", "error"}, args...), path)
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg is needed for this test (Debian: apt install ffmpeg): %v: %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// h264Clip has a key frame every 15 pictures; large ones make FU-A packets.
func h264Clip(t *testing.T) *clip {
	c := &clip{mime: webrtc.MimeTypeH264, opus: opusPackets(t)}
	b := encode(t, "v.h264", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-frames:v", "90",
		"-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-g", "15", "-bf", "0", "-f", "h264")
	r, err := h264reader.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	var unit []byte
	key := false
	for {
		nal, err := r.NextNAL()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		unit = append(append(unit, 0, 0, 0, 1), nal.Data...)
		key = key || nal.UnitType == h264reader.NalUnitTypeCodedSliceIdr
		if nal.UnitType == h264reader.NalUnitTypeCodedSliceIdr || nal.UnitType == h264reader.NalUnitTypeCodedSliceNonIdr {
			c.pictures, c.keys = append(c.pictures, unit), append(c.keys, key)
			unit, key = nil, false
		}
	}
	return c
}

func vp8Clip(t *testing.T) *clip {
	c := &clip{mime: webrtc.MimeTypeVP8}
	b := encode(t, "v.ivf", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=30", "-frames:v", "60",
		"-c:v", "libvpx", "-deadline", "realtime", "-b:v", "1M", "-g", "15", "-f", "ivf")
	r, _, err := ivfreader.NewWith(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, _, err := r.ParseNextFrame()
		if err == io.EOF {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		c.pictures, c.keys = append(c.pictures, frame), append(c.keys, frame[0]&1 == 0)
	}
}

func opusPackets(t *testing.T) (packets [][]byte) {
	b := encode(t, "a.ogg", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", "3",
		"-c:a", "libopus", "-page_duration", "20000", "-f", "ogg")
	r, _, err := oggreader.NewWith(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for {
		page, _, err := r.ParseNextPage()
		if err == io.EOF {
			return packets
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > 0 && !bytes.HasPrefix(page, []byte("Opus")) {
			packets = append(packets, page)
		}
	}
}

// client is a WHIP publisher made of pion.
type client struct {
	t        *testing.T
	pc       *webrtc.PeerConnection
	location string
	etag     string
	answer   string
	plis     atomic.Int64
}

// publish negotiates and connects. Loss, if not nil, decides on every packet
// that leaves (see lossFactory).
func publish(t *testing.T, url string, c *clip, loss *lossFactory) (*client, *sender) {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	engine := offering(t, c.mime)
	registry := &interceptor.Registry{}
	if loss != nil {
		registry.Add(loss)
	}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	cl := &client{t: t, pc: pc}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	s := &sender{clip: c}
	s.video = cl.add(c.mime, 90000)
	if c.opus != nil {
		s.audio = cl.add(webrtc.MimeTypeOpus, 48000)
	}
	connected := make(chan struct{})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err = pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	cl.post(url, pc.LocalDescription().SDP)
	if err = pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: cl.answer}); err != nil {
		t.Fatal(err)
	}
	<-connected
	return cl, s
}

// offering is an engine that offers one video format and Opus.
func offering(t *testing.T, mime string) *webrtc.MediaEngine {
	t.Helper()
	video := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000}
	if mime == webrtc.MimeTypeH264 {
		video.SDPFmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	}
	engine := &webrtc.MediaEngine{}
	err := engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 102, RTPCodecCapability: video}, webrtc.RTPCodecTypeVideo)
	if err != nil {
		t.Fatal(err)
	}
	err = engine.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// add adds a track and counts the key frames asked for on it.
func (c *client) add(mime string, rate uint32) *webrtc.TrackLocalStaticSample {
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: rate}, mime[:5], "stream")
	if err != nil {
		c.t.Fatal(err)
	}
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		for {
			packets, _, err := tr.Sender().ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					c.plis.Add(1)
				}
			}
		}
	}()
	return track
}

func (c *client) post(url, offer string) {
	c.t.Helper()
	resp, err := http.Post(url, "application/sdp", strings.NewReader(offer))
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusCreated {
		c.t.Fatalf("POST: %s: %s", resp.Status, body)
	}
	base, _, _ := strings.Cut(url, "/whip/")
	c.location, c.etag, c.answer = base+resp.Header.Get("Location"), resp.Header.Get("ETag"), string(body)
}

func (c *client) remove() int {
	c.t.Helper()
	return request(c.t, http.MethodDelete, c.location, "", nil).StatusCode
}

// request makes an HTTP request; its answer's body is already closed.
func request(t *testing.T, method, url, body string, header map[string]string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

// sender plays a clip in a loop in real time.
type sender struct {
	clip         *clip
	video, audio *webrtc.TrackLocalStaticSample
	sent         atomic.Int64 // pictures
}

// run sends until stop closes.
func (s *sender) run(t *testing.T, stop <-chan struct{}) {
	ticker := time.NewTicker(frameTime)
	defer ticker.Stop()
	var audioSent time.Duration
	for i := 0; ; i++ {
		sample := rtcmedia.Sample{Data: s.clip.pictures[i%len(s.clip.pictures)], Duration: frameTime}
		if err := s.video.WriteSample(sample); err != nil {
			t.Errorf("send video: %v", err)
			return
		}
		s.sent.Add(1)
		for s.audio != nil && audioSent < time.Duration(i+1)*frameTime {
			packet := s.clip.opus[int(audioSent/(20*time.Millisecond))%len(s.clip.opus)]
			if err := s.audio.WriteSample(rtcmedia.Sample{Data: packet, Duration: 20 * time.Millisecond}); err != nil {
				t.Errorf("send audio: %v", err)
				return
			}
			audioSent += 20 * time.Millisecond
		}
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
	}
}

// start runs the sender until the test, or the returned function, stops it.
func (s *sender) start(t *testing.T) (stop func()) {
	stopped, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.run(t, stopped)
	}()
	var once atomic.Bool
	stop = func() {
		if once.CompareAndSwap(false, true) {
			close(stopped)
		}
		<-done
	}
	t.Cleanup(stop)
	return stop
}
