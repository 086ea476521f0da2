package sfu

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"moqedge/bridge/signalling"
)

func serve(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, server.URL
}

func request(t *testing.T, method, url, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

// offerOf makes an SDP offer of one track.
func offerOf(t *testing.T, kind webrtc.RTPCodecType, direction webrtc.RTPTransceiverDirection, mimes ...string) string {
	t.Helper()
	m := &webrtc.MediaEngine{}
	for i, mime := range mimes {
		c := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000}
		if err := register(m, c, webrtc.PayloadType(96+i), kind); err != nil {
			t.Fatal(err)
		}
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	return offer.SDP
}

func TestRefusals(t *testing.T) {
	s, url := serve(t, Config{MaxSessions: 1})
	const sdp = "application/sdp"
	send := offerOf(t, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly, webrtc.MimeTypeH264)
	vp8 := offerOf(t, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly, webrtc.MimeTypeVP8)
	take := offerOf(t, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly, webrtc.MimeTypeH264)
	for _, c := range []struct {
		name, method, path, body, contentType string
		want                                  int
	}{
		{"no such path", "POST", "/other/x", send, sdp, 404},
		{"no name", "POST", "/whip/", send, sdp, 404},
		{"GET", "GET", "/whep/x", "", "", 405},
		{"PUT of a session", "PUT", "/whep/x/1", "", "", 405},
		{"not SDP by type", "POST", "/whip/x", send, "text/plain", 415},
		{"no type", "POST", "/whip/x", send, "", 415},
		{"empty", "POST", "/whip/x", "", sdp, 400},
		{"garbage", "POST", "/whip/x", "v=0\r\nnonsense", sdp, 400},
		{"half an offer", "POST", "/whip/x", send[:len(send)/2], sdp, 400},
		{"no fingerprint", "POST", "/whip/x", strings.ReplaceAll(send, "a=fingerprint", "a=other"), sdp, 400},
		{"no ICE", "POST", "/whip/x", strings.ReplaceAll(send, "a=ice-ufrag", "a=other"), sdp, 400},
		{"too large", "POST", "/whip/x", strings.Repeat("x", maxBody+1), sdp, 413},
		{"a format that is not taken", "POST", "/whip/x", vp8, sdp, 406},
		{"nothing to send", "POST", "/whip/x", take, sdp, 406},
		{"nobody publishes", "POST", "/whep/x", take, sdp, 404},
		{"no such session", "DELETE", "/whip/x/0123", "", "", 404},
		{"candidates of no session", "PATCH", "/whip/x/0123", "a=candidate:1", signalling.FragmentType, 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.contentType != "" {
				header = []string{"Content-Type", c.contentType}
			}
			if got := request(t, c.method, url+c.path, c.body, header...).StatusCode; got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
			if n := s.Stats(); n != (Stats{}) || s.sessions.Len() != 0 {
				t.Errorf("left behind: %+v, %d sessions", n, s.sessions.Len())
			}
		})
	}

	answer := request(t, "POST", url+"/whip/x", send, "Content-Type", sdp)
	session := url + answer.Header.Get("Location")
	if answer.StatusCode != 201 || s.Stats().Publishers != 1 {
		t.Fatalf("a good offer: status %d, %+v", answer.StatusCode, s.Stats())
	}
	etag := answer.Header.Get("ETag")
	for _, c := range []struct {
		name, match, body string
		want              int
	}{
		{"no ETag", "", "", 428},
		{"another ETag", `"x"`, "", 412},
		{"a restart", etag, "a=ice-ufrag:other\r\n", 422},
		{"garbage", etag, "?", 400},
		{"a candidate", etag, "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", 204},
	} {
		header := []string{"Content-Type", signalling.FragmentType}
		if c.match != "" {
			header = append(header, "If-Match", c.match)
		}
		if got := request(t, "PATCH", session, c.body, header...).StatusCode; got != c.want {
			t.Errorf("PATCH with %s: status %d, want %d", c.name, got, c.want)
		}
	}
	full := request(t, "POST", url+"/whep/x", take, "Content-Type", sdp)
	if full.StatusCode != 503 || full.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: status %d", full.StatusCode)
	}
	if got := request(t, "DELETE", strings.Replace(session, "/x/", "/y/", 1), "").StatusCode; got != 404 {
		t.Errorf("DELETE under another name: status %d", got)
	}
	if got := request(t, "DELETE", session, "").StatusCode; got != 200 || s.Stats() != (Stats{}) {
		t.Errorf("DELETE: status %d, left %+v", got, s.Stats())
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{
		{Batch: "some"}, {History: 1000}, {KeyFrameEvery: -1}, {Silence: -1}, {MaxSessions: -1},
		{PortPerViewer: true, Batch: BatchMessages},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// Packets of a new publisher carry on the numbers of the one before.
func TestTrackGoesOn(t *testing.T) {
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000}, "v", "s")
	if err != nil {
		t.Fatal(err)
	}
	tr := &track{local: local, engine: &engine{}, clock: 90000, video: true}
	now := time.Now()
	send := func(sequence uint16, timestamp uint32) (uint16, uint32) {
		p := &rtp.Packet{Header: rtp.Header{SequenceNumber: sequence, Timestamp: timestamp}}
		tr.forward(p, now)
		return p.SequenceNumber, p.Timestamp
	}
	first := func(sequence uint16, timestamp uint32) (uint16, uint32) {
		tr.begin(&rtp.Header{SequenceNumber: sequence, Timestamp: timestamp}, now)
		return send(sequence, timestamp)
	}
	if n, ts := first(65530, 9000); n != 65530 || ts != 9000 {
		t.Errorf("the first publisher was changed: %d, %d", n, ts)
	}
	send(65535, 18000)
	send(65534, 18000) // late: not the last
	now = now.Add(time.Second)
	// One with the same clock: its timestamps say what they said.
	if n, ts := first(7, 18000+90000); n != 0 || ts != 18000+90000 {
		t.Errorf("got %d, %d", n, ts)
	}
	if n, _ := send(8, 18000+99000); n != 1 {
		t.Errorf("got %d", n)
	}
	// One with a clock of its own.
	now = now.Add(time.Second)
	if n, ts := first(1000, 4_000_000_000); n != 2 || ts != 18000+99000+90000 {
		t.Errorf("got %d, %d", n, ts)
	}
}

// Requests for key frames go up at once, then not more often than every so often, and
// none is forgotten.
func TestKeyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := keyRequests{every: 500 * time.Millisecond}
		var asked atomic.Int32
		k.request() // there is nobody to ask
		k.publisher(func() { asked.Add(1) })
		k.request()
		if asked.Load() != 1 {
			t.Fatalf("asked %d times", asked.Load())
		}
		for range 10 {
			k.request()
		}
		time.Sleep(499 * time.Millisecond)
		synctest.Wait()
		if asked.Load() != 1 {
			t.Errorf("asked %d times within the time", asked.Load())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if asked.Load() != 2 {
			t.Errorf("asked %d times after the time", asked.Load())
		}
		k.request()
		k.publisher(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if asked.Load() != 2 {
			t.Error("a publisher that was gone was asked")
		}
	})
}

// What a batch is given arrives, in its order for each address and in packets of the
// sizes it had.
func TestBatch(t *testing.T) {
	for _, segments := range []bool{false, canSegment} {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		if err != nil {
			t.Fatal(err)
		}
		b := newBatch(conn, segments)
		var receivers []*net.UDPConn
		for range 3 {
			r, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
			if err != nil {
				t.Fatal(err)
			}
			EnlargeBuffers(r)
			receivers = append(receivers, r)
		}
		packet := func(i int) []byte {
			p := make([]byte, 1200)
			if i%11 == 10 {
				p = p[:600] // the last of a picture
			}
			p[0], p[1], p[2], p[3] = 0x80, 96, byte(i>>8), byte(i)
			return p
		}
		const packets = 200
		for i := range packets {
			for _, r := range receivers {
				to := r.LocalAddr().(*net.UDPAddr).AddrPort()
				if _, err := b.WriteToAddrPort(packet(i), to); err != nil {
					t.Fatal(err)
				}
			}
			if i%11 == 10 {
				b.flush()
			}
		}
		for _, r := range receivers { // the rest comes by itself, after batchWait
			buf := make([]byte, 2000)
			for i := range packets {
				if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				n, err := r.Read(buf)
				if err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if string(buf[:n]) != string(packet(i)) {
					t.Fatalf("segments %v: packet %d is another: % x, %d bytes", segments, i, buf[:4], n)
				}
			}
			r.Close()
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestIsMedia(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"RTP", []byte{0x80, 96, 0, 0}, true},
		{"RTP with a marker", []byte{0x90, 0x80 | 96, 0, 0}, true},
		{"sender report", []byte{0x80, 200, 0, 0}, false},
		{"transport feedback", []byte{0x8f, 205, 0, 0}, false},
		{"STUN", []byte{0, 1, 0, 0}, false},
		{"DTLS", []byte{22, 254, 253, 0}, false},
		{"nothing", nil, false},
	} {
		if got := isMedia(c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
