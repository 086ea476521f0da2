package whip

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"moqedge/bridge"
	"moqedge/bridge/signalling"
)

var sdpHeader = map[string]string{"Content-Type": signalling.SDPType}

func bodyOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHTTPErrors(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		hubErr             error
		status             int
		says               string
	}{
		"GET an endpoint":        {method: "GET", path: "cam", status: 405, says: "POST"},
		"PUT an endpoint":        {method: "PUT", path: "cam", status: 405},
		"GET a session":          {method: "GET", path: "cam/id", status: 405, says: "PATCH and DELETE"},
		"no name":                {method: "POST", path: "", status: 404},
		"too deep":               {method: "POST", path: "a/b/c", status: 404},
		"no content type":        {method: "POST", path: "cam", body: browserOffer, status: 415, says: "application/sdp"},
		"wrong content type":     {method: "POST", path: "cam", body: browserOffer, header: map[string]string{"Content-Type": "application/json"}, status: 415},
		"bad SDP":                {method: "POST", path: "cam", body: "v=1", header: sdpHeader, status: 400},
		"SDP without media":      {method: "POST", path: "cam", body: "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", header: sdpHeader, status: 400, says: "no audio and no video"},
		"SDP without DTLS":       {method: "POST", path: "cam", body: dropLines(browserOffer, "fingerprint"), header: sdpHeader, status: 400},
		"no usable codec":        {method: "POST", path: "cam", body: dropLines(browserOffer, "opus"), header: sdpHeader, status: 406},
		"body too large":         {method: "POST", path: "cam", body: strings.Repeat("a", maxBody+1), header: sdpHeader, status: 413},
		"name in use":            {method: "POST", path: "cam", body: browserOffer, header: sdpHeader, hubErr: fmt.Errorf("%w: held by srt", bridge.ErrNameInUse), status: 409, says: "held by srt"},
		"bad name":               {method: "POST", path: ".cam", body: browserOffer, header: sdpHeader, hubErr: bridge.ErrBadName, status: 400},
		"hub closed":             {method: "POST", path: "cam", body: browserOffer, header: sdpHeader, hubErr: bridge.ErrClosed, status: 503},
		"DELETE unknown session": {method: "DELETE", path: "cam/0123", status: 404},
		"PATCH unknown session":  {method: "PATCH", path: "cam/0123", body: "a=mid:0\r\n", header: map[string]string{"Content-Type": signalling.FragmentType}, status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			h, url := serve(t, Config{}, &fakeHub{err: c.hubErr})
			resp := request(t, c.method, url+c.path, c.body, c.header)
			if text := bodyOf(t, resp); resp.StatusCode != c.status || !strings.Contains(text, c.says) {
				t.Fatalf("%s: %q", resp.Status, text)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("a page could not read the error")
			}
			if c.status == 405 && resp.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			if h.Sessions() != 0 {
				t.Error("a session slot leaked")
			}
		})
	}
}

func TestSessionHTTP(t *testing.T) {
	hub := &fakeHub{}
	_, url := serve(t, Config{MaxSessions: 1, ICEServers: []ICEServer{
		{URL: "stun:stun.example.net"}, {URL: "turn:turn.example.net", Username: "user", Credential: "pass"},
	}}, hub)
	resp := request(t, "OPTIONS", url+"cam", "", map[string]string{"Access-Control-Request-Method": "POST"})
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Accept-Post") != signalling.SDPType ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Fatalf("OPTIONS: %s %v", resp.Status, resp.Header)
	}
	resp = request(t, "POST", url+"cam", browserOffer, map[string]string{"Content-Type": "application/sdp; charset=utf-8"})
	answer := bodyOf(t, resp)
	location, etag := resp.Header.Get("Location"), resp.Header.Get("ETag")
	if resp.StatusCode != http.StatusCreated || resp.Header.Get("Content-Type") != signalling.SDPType ||
		!strings.HasPrefix(location, "/whip/cam/") || len(etag) < 4 || resp.Header.Get("Accept-Patch") != signalling.FragmentType {
		t.Fatalf("POST: %s %v %s", resp.Status, resp.Header, answer)
	}
	if link := resp.Header.Values("Link"); len(link) != 2 || link[0] != `<stun:stun.example.net>; rel="ice-server"` ||
		link[1] != `<turn:turn.example.net>; rel="ice-server"; username="user"; credential="pass"; credential-type="password"` {
		t.Fatalf("Link: %q", link)
	}
	for _, part := range []string{"a=candidate:", " 127.0.0.1 ", "a=end-of-candidates", "a=rtpmap:102 H264/90000", "a=rtpmap:111 opus/48000/2", "stereo=1",
		"a=rtcp-fb:102 nack pli", "a=rtcp-fb:102 transport-cc", "a=recvonly", "a=setup:active", "a=group:BUNDLE 0 1"} {
		if !strings.Contains(answer, part) {
			t.Errorf("the answer lacks %q:\n%s", part, answer)
		}
	}
	if strings.Contains(answer, "VP8") {
		t.Error("the answer leaves the choice of codec open")
	}
	session := url[:strings.Index(url, "/whip/")] + location

	if r := request(t, "POST", url+"other", browserOffer, sdpHeader); r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" {
		t.Errorf("one session too many: %s", r.Status)
	}
	if r := request(t, "DELETE", strings.Replace(session, "/cam/", "/other/", 1), "", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("DELETE under another name: %s", r.Status)
	}

	candidate := "a=ice-ufrag:q4Yd\r\na=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host\r\na=candidate:2 1 udp 1 hidden.local 9 typ host\r\na=candidate:3 1 sctp 1 nonsense\r\n"
	for name, c := range map[string]struct {
		body, contentType, match string
		status                   int
	}{
		"trickle":                {body: candidate, contentType: signalling.FragmentType, match: etag, status: 204},
		"trickle with any":       {body: candidate, contentType: signalling.FragmentType, match: "*", status: 204},
		"end of candidates":      {body: "a=ice-ufrag:q4Yd\r\na=end-of-candidates\r\n", contentType: signalling.FragmentType, match: etag, status: 204},
		"no If-Match":            {body: candidate, contentType: signalling.FragmentType, status: 428},
		"other ETag":             {body: candidate, contentType: signalling.FragmentType, match: `"x"`, status: 412},
		"ICE restart":            {body: "a=ice-ufrag:new\r\na=ice-pwd:pwd\r\n", contentType: signalling.FragmentType, match: "*", status: 422},
		"not a fragment":         {body: "hello world", contentType: signalling.FragmentType, match: etag, status: 400},
		"content type":           {body: candidate, contentType: signalling.SDPType, match: etag, status: 415},
		"body larger than bound": {body: strings.Repeat("a=b\r\n", maxBody/4), contentType: signalling.FragmentType, match: etag, status: 413},
	} {
		header := map[string]string{"Content-Type": c.contentType}
		if c.match != "" {
			header["If-Match"] = c.match
		}
		if r := request(t, "PATCH", session, c.body, header); r.StatusCode != c.status {
			t.Errorf("PATCH %s: %s", name, r.Status)
		}
	}

	if r := request(t, "DELETE", session, "", nil); r.StatusCode != http.StatusOK {
		t.Fatalf("DELETE: %s", r.Status)
	}
	if b := hub.only(t); !b.look(func(b *fakeBroadcast) bool { return b.closed && b.reason == nil }) {
		t.Error("the name is not free after DELETE")
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		bad    bool
	}{
		"zero":           {},
		"prefix":         {config: Config{Prefix: "whip"}, bad: true},
		"ICE address":    {config: Config{ICEAddr: "8189"}, bad: true},
		"ICE host":       {config: Config{ICEAddr: "localhost:1"}, bad: true},
		"ICE port":       {config: Config{ICEAddr: ":99999"}, bad: true},
		"any address":    {config: Config{ICEAddr: "0.0.0.0:8189"}},
		"public IP":      {config: Config{PublicIPs: []string{"example.net"}}, bad: true},
		"ICE server":     {config: Config{ICEServers: []ICEServer{{URL: "stun:a>b"}}}, bad: true},
		"negative limit": {config: Config{PacketWait: -time.Second}, bad: true},
	} {
		if _, err := c.config.validate(); (err != nil) != c.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a handler without a hub")
	}
	if _, err := newHandler(Config{ICEAddr: "203.0.113.1:0"}, &fakeHub{}); err == nil {
		t.Error("listens on an address this machine does not have")
	}
}

// Offers that are unusual but fine are answered, section by section.
func TestUnusualOffers(t *testing.T) {
	for name, c := range map[string]struct {
		sdp      string
		sections int
	}{
		"video only":      {sdp: without("audio"), sections: 1},
		"audio inactive":  {sdp: strings.Replace(browserOffer, "a=sendonly", "a=inactive", 1), sections: 2},
		"active setup":    {sdp: edit("a=setup:actpass", "a=setup:active"), sections: 2},
		"no source named": {sdp: dropLines(browserOffer, "a=ssrc"), sections: 2},
		"data channel": {sdp: strings.Replace(browserOffer, "BUNDLE 0 1", "BUNDLE 0 1 2", 1) +
			"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\na=ice-ufrag:q4Yd\na=ice-pwd:mXqJcWbZ0oV7hV2u3sTt9gKe\na=setup:actpass\na=mid:2\na=sctp-port:5000\n", sections: 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, url := serve(t, Config{}, &fakeHub{})
			resp := request(t, "POST", url+"cam", c.sdp, sdpHeader)
			answer := bodyOf(t, resp)
			if resp.StatusCode != http.StatusCreated || strings.Count(answer, "\nm=") != c.sections {
				t.Fatalf("%s: %s", resp.Status, answer)
			}
		})
	}
}

// Addresses behind NAT are told instead of the local ones.
func TestPublicIP(t *testing.T) {
	_, url := serve(t, Config{PublicIPs: []string{"203.0.113.7"}}, &fakeHub{})
	resp := request(t, "POST", url+"cam", browserOffer, sdpHeader)
	if answer := bodyOf(t, resp); resp.StatusCode != http.StatusCreated || !strings.Contains(answer, " 203.0.113.7 ") {
		t.Fatalf("%s: %s", resp.Status, answer)
	}
}
