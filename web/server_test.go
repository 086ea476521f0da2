package web

import (
	"compress/gzip"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testFingerprint = "aa00bb11cc22dd33ee44ff5566778899aa00bb11cc22dd33ee44ff5566778899"
	nextFingerprint = "bb00bb11cc22dd33ee44ff5566778899aa00bb11cc22dd33ee44ff5566778899"
)

func full() Config {
	return Config{
		Relay:        "https://{host}:4443/live",
		Fingerprints: func() []string { return []string{testFingerprint, nextFingerprint} },
		WHIP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
		}),
		SRTPort: 9000,
	}
}

func do(t *testing.T, c Config, method, target string, header http.Header) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	Handler(c).ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoutes(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		method, target string
		status         int
		contentType    string
		contains       string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "Live now"},
		{"GET", "/watch/cam-1", 200, "text/html; charset=utf-8", `<moqedge-player name="cam-1"`},
		{"GET", "/watch/" + long, 200, "text/html; charset=utf-8", long},
		{"GET", "/watch/" + long + "a", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/a/b", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/a%2Fb", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/%3Cscript%3E", 404, "text/html; charset=utf-8", "/watch/&lt;script&gt;"},
		{"GET", "/watch/%22onload", 404, "text/html; charset=utf-8", "/watch/&#34;onload"},
		{"GET", "/watch/caf%C3%A9", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/a%00b", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/watch/cam?draft=22+18", 200, "text/html; charset=utf-8", `name="cam" draft="22 18" autoplay`},
		{"GET", "/watch/cam?draft=%22onload", 200, "text/html; charset=utf-8", `name="cam" autoplay`},
		{"GET", "/publish/cam.1_x", 200, "text/html; charset=utf-8", `data-name="cam.1_x"`},
		{"GET", "/publish/a%20b", 404, "text/html; charset=utf-8", "Nothing here"},
		{"GET", "/elsewhere", 404, "text/html; charset=utf-8", "<code>/elsewhere</code>"},
		{"GET", "/assets/player.js", 200, "text/javascript; charset=utf-8", "moqedge-player"},
		{"GET", "/assets/audio-worklet.js", 200, "text/javascript; charset=utf-8", "moqedge-audio"},
		{"GET", "/assets/index.js", 200, "text/javascript; charset=utf-8", ""},
		{"GET", "/assets/watch.js", 200, "text/javascript; charset=utf-8", ""},
		{"GET", "/assets/publish.js", 200, "text/javascript; charset=utf-8", ""},
		{"GET", "/assets/site.css", 200, "text/css; charset=utf-8", ""},
		{"GET", "/assets/icon.svg", 200, "image/svg+xml", "<svg"},
		{"GET", "/assets/index.html", 404, "text/html; charset=utf-8", ""},
		{"GET", "/assets/none.js", 404, "text/html; charset=utf-8", ""},
		{"GET", "/favicon.ico", 302, "text/html; charset=utf-8", ""},
		{"GET", "/certificate.sha256", 200, "text/plain; charset=utf-8", testFingerprint},
		{"GET", "/certificate.sha256?all", 200, "text/plain; charset=utf-8", testFingerprint + "," + nextFingerprint},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
		{"POST", "/watch/cam", 405, "text/plain; charset=utf-8", ""},
		{"DELETE", "/config.json", 405, "text/plain; charset=utf-8", ""},
		{"PUT", "/nothing", 405, "text/plain; charset=utf-8", ""},
		{"POST", "/whip/cam", 201, "", "POST /whip/cam"},
		{"DELETE", "/whip/cam/1", 201, "", "DELETE /whip/cam/1"},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			r := do(t, full(), c.method, c.target, nil)
			if r.StatusCode != c.status {
				t.Fatalf("status %d, want %d", r.StatusCode, c.status)
			}
			if got := r.Header.Get("Content-Type"); c.contentType != "" && got != c.contentType {
				t.Errorf("content type %q, want %q", got, c.contentType)
			}
			if b := bodyOf(t, r); !strings.Contains(b, c.contains) {
				t.Errorf("body lacks %q:\n%s", c.contains, b)
			}
			if !strings.HasPrefix(c.target, "/whip/") && r.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("no nosniff")
			}
			if r.StatusCode == http.StatusMethodNotAllowed && r.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", r.Header.Get("Allow"))
			}
		})
	}
}

// A page may run no script but its server's, so pages must hold none.
func TestPagesHoldNoInlineScript(t *testing.T) {
	for _, target := range []string{"/", "/watch/cam", "/publish/cam", "/nothing"} {
		r := do(t, full(), "GET", target, nil)
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", target, policy)
		}
		body := bodyOf(t, r)
		for _, part := range strings.Split(body, "<script")[1:] {
			if tag, _, _ := strings.Cut(part, ">"); !strings.Contains(tag, `src="/assets/`) {
				t.Errorf("%s: inline script <script%s>", target, tag)
			}
		}
		if strings.Contains(body, " style=") || strings.Contains(body, "<style") {
			t.Errorf("%s: inline style", target)
		}
	}
}

func TestPermissionsFollowThePage(t *testing.T) {
	if p := do(t, full(), "GET", "/publish/cam", nil).Header.Get("Permissions-Policy"); !strings.Contains(p, "camera=(self)") {
		t.Errorf("publish page may not use the camera: %q", p)
	}
	if p := do(t, full(), "GET", "/watch/cam", nil).Header.Get("Permissions-Policy"); strings.Contains(p, "camera=(self)") {
		t.Errorf("watch page may use the camera: %q", p)
	}
}

func TestHead(t *testing.T) {
	for _, target := range []string{"/", "/watch/cam", "/publish/cam", "/nothing", "/config.json", "/certificate.sha256", "/assets/player.js", "/assets/site.css"} {
		get := do(t, full(), "GET", target, nil)
		head := do(t, full(), "HEAD", target, nil)
		if head.StatusCode != get.StatusCode {
			t.Errorf("%s: HEAD %d, GET %d", target, head.StatusCode, get.StatusCode)
		}
		if b := bodyOf(t, head); b != "" {
			t.Errorf("%s: HEAD has a body", target)
		}
		if h, g := head.Header.Get("Content-Length"), get.Header.Get("Content-Length"); h != g || h == "" {
			t.Errorf("%s: lengths %q and %q", target, h, g)
		}
	}
}

func TestSettings(t *testing.T) {
	type doc struct {
		Relay       string  `json:"relay"`
		Fingerprint *string `json:"fingerprint"`
		WHIP        *string `json:"whip"`
		SRTPort     int     `json:"srtPort"`
	}
	read := func(c Config) doc {
		t.Helper()
		r := do(t, c, "GET", "/config.json", nil)
		if got := r.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control %q", got)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type %q", got)
		}
		var d doc
		if err := json.Unmarshal([]byte(bodyOf(t, r)), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := read(full())
	if d.Relay != "https://{host}:4443/live" || d.SRTPort != 9000 || d.Fingerprint == nil || *d.Fingerprint != "/certificate.sha256?all" || d.WHIP == nil || *d.WHIP != "/whip/" {
		t.Errorf("settings %+v", d)
	}
	d = read(Config{Relay: "https://relay.example/live"})
	if d.Fingerprint != nil || d.WHIP != nil || d.SRTPort != 0 {
		t.Errorf("settings without extras %+v", d)
	}
}

// A renewed certificate is told at once: nothing of it is kept.
func TestFingerprintIsAskedEveryTime(t *testing.T) {
	prints := []string{"first", "second"}
	c := Config{Fingerprints: func() []string {
		p := prints[:1]
		prints = prints[1:]
		return p
	}}
	for _, want := range []string{"first", "second"} {
		r := do(t, c, "GET", "/certificate.sha256", nil)
		if got := bodyOf(t, r); got != want || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %q, %q", got, r.Header.Get("Cache-Control"))
		}
	}
	if r := do(t, Config{}, "GET", "/certificate.sha256", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("without a fingerprint: %d", r.StatusCode)
	}
}

func TestAssetsAreRevalidated(t *testing.T) {
	first := do(t, full(), "GET", "/assets/player.js", nil)
	etag := first.Header.Get("ETag")
	if etag == "" || first.Header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("ETag %q, Cache-Control %q", etag, first.Header.Get("Cache-Control"))
	}
	again := do(t, full(), "GET", "/assets/player.js", http.Header{"If-None-Match": {etag}})
	if again.StatusCode != http.StatusNotModified || bodyOf(t, again) != "" {
		t.Errorf("status %d", again.StatusCode)
	}
	other := do(t, full(), "GET", "/assets/player.js", http.Header{"If-None-Match": {`"other"`}})
	if other.StatusCode != http.StatusOK {
		t.Errorf("status %d", other.StatusCode)
	}
}

// What a page names by its version is never asked for again; another version's name is
// answered, but not kept.
func TestVersionedAssets(t *testing.T) {
	page := bodyOf(t, do(t, full(), "GET", "/watch/cam", nil))
	_, rest, found := strings.Cut(page, `src="/assets/player.js?v=`)
	version, _, _ := strings.Cut(rest, `"`)
	if !found || len(version) != 16 {
		t.Fatalf("no version in\n%s", page)
	}
	for v, want := range map[string]string{version: "public, max-age=31536000, immutable", "other": "no-cache", "": "no-cache"} {
		r := do(t, full(), "GET", "/assets/player.js?v="+v, nil)
		if got := r.Header.Get("Cache-Control"); r.StatusCode != http.StatusOK || got != want {
			t.Errorf("version %q: status %d, Cache-Control %q, want %q", v, r.StatusCode, got, want)
		}
	}
}

// Who takes gzip gets it, and the same file out of it; nobody else does, nor who asks for
// a part.
func TestCompressedAssets(t *testing.T) {
	plain := bodyOf(t, do(t, full(), "GET", "/assets/player.js", nil))
	for accepts, want := range map[string]string{"": "", "br": "", "gzip;q=0": "", "gzip; q=0.0, br": "", "gzip": "gzip", "br, GZIP;q=0.5": "gzip"} {
		r := do(t, full(), "GET", "/assets/player.js", http.Header{"Accept-Encoding": {accepts}})
		body := bodyOf(t, r)
		if got := r.Header.Get("Content-Encoding"); got != want || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: Content-Encoding %q, Vary %q", accepts, got, r.Header.Get("Vary"))
		}
		if want == "" {
			continue
		}
		unpacked, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(unpacked); err != nil || string(b) != plain || len(body) > len(plain)/2 {
			t.Errorf("%q: %d bytes of %d, %v", accepts, len(body), len(plain), err)
		}
		etag := r.Header.Get("ETag")
		if again := do(t, full(), "GET", "/assets/player.js", http.Header{"Accept-Encoding": {accepts}, "If-None-Match": {etag}}); again.StatusCode != http.StatusNotModified {
			t.Errorf("%q: status %d", accepts, again.StatusCode)
		}
	}
	if r := do(t, full(), "GET", "/assets/player.js", http.Header{"Accept-Encoding": {"gzip"}, "Range": {"bytes=0-3"}}); r.StatusCode != http.StatusPartialContent || bodyOf(t, r) != plain[:4] {
		t.Errorf("part: status %d", r.StatusCode)
	}
}

// The watch page tells its settings, with the certificate of the moment, and is not kept.
func TestSettingsInPage(t *testing.T) {
	prints := 0
	c := full()
	c.Fingerprints = func() []string { prints++; return []string{strings.Repeat("a", prints), "b"} }
	for want := 1; want <= 2; want++ {
		r := do(t, c, "GET", "/watch/cam", nil)
		_, rest, _ := strings.Cut(bodyOf(t, r), `<meta name="moqedge-settings" content="`)
		content, _, _ := strings.Cut(rest, `">`)
		var d struct{ Relay, Fingerprint, Certificate string }
		if err := json.Unmarshal([]byte(html.UnescapeString(content)), &d); err != nil {
			t.Fatalf("%v: %q", err, content)
		}
		if d.Relay != c.Relay || d.Fingerprint != "/certificate.sha256?all" || d.Certificate != strings.Repeat("a", want)+",b" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%+v, Cache-Control %q", d, r.Header.Get("Cache-Control"))
		}
	}
}

func TestWithoutWHIP(t *testing.T) {
	if r := do(t, Config{}, "GET", "/whip/cam", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", r.StatusCode)
	}
}
