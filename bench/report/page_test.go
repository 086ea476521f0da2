package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"moqedge/bench/lab"
	"moqedge/bench/link"
	"moqedge/bench/tally"
)

// pageOf is the report of a result, parsed.
func pageOf(t testing.TB, x lab.Result) (text string, root *html.Node) {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, x); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), root
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// outwards is what styles and scripts fetch by.
var outwards = regexp.MustCompile(`url\([^)]*\)|@import|https?://|fetch\(|import\(`)

// wellFormed says what is wrong with a page's markup: elements that are not closed
// as they were opened, names that are there twice or lead nowhere, and what would
// have to be fetched.
func wellFormed(page string) (faults []string) {
	fault := func(what string) { faults = append(faults, what) }
	var open []string
	ids, wanted := map[string]bool{}, map[string]bool{}
	void := []string{"meta", "br", "hr", "input", "link", "img"}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			if !errors.Is(z.Err(), io.EOF) {
				fault(z.Err().Error())
			}
			break
		}
		token := z.Token()
		switch kind {
		case html.TextToken:
			if n := len(open); n > 0 && (open[n-1] == "style" || open[n-1] == "script") && !strings.HasPrefix(token.Data, "{") {
				for _, m := range outwards.FindAllString(token.Data, -1) {
					if !strings.HasPrefix(m, "url(#fill") {
						fault("something to fetch: " + m)
					}
				}
			}
		case html.StartTagToken:
			if !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if n := len(open); n == 0 || open[n-1] != token.Data {
				fault("</" + token.Data + "> does not close what is open")
				return faults
			}
			open = open[:len(open)-1]
		}
		for _, a := range token.Attr {
			switch a.Key {
			case "id":
				if ids[a.Val] {
					fault("id " + a.Val + " is there twice")
				}
				ids[a.Val] = true
			case "aria-labelledby":
				for id := range strings.FieldsSeq(a.Val) {
					wanted[id] = true
				}
			case "href":
				if !strings.HasPrefix(a.Val, "#") {
					fault("a reference outwards: " + a.Val)
				}
				wanted[strings.TrimPrefix(a.Val, "#")] = true
			case "d", "x", "y", "x1", "y1", "x2", "y2", "width", "height", "viewBox":
				if strings.Contains(a.Val, "N") || strings.Contains(a.Val, "I") {
					fault("no number: " + a.Val)
				}
			case "src", "srcset", "xlink:href", "action", "poster", "data":
				fault("something to fetch: " + a.Key)
			}
		}
	}
	for id := range wanted {
		if !ids[id] {
			fault("there is no id " + id)
		}
	}
	if len(open) > 0 {
		fault("still open: " + strings.Join(open, " "))
	}
	return faults
}

// The page needs nothing but itself, and is well-formed.
func TestPage(t *testing.T) {
	text, root := pageOf(t, compared())
	for _, f := range wellFormed(text) {
		t.Error(f)
	}
	if len(text) > 1<<20 {
		t.Errorf("%d bytes", len(text))
	}
	counts := map[string]int{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		counts[n.Data]++
		switch n.Data {
		case "table":
			if n.FirstChild == nil || !strings.Contains(renderFirst(n), "caption") {
				t.Errorf("a table without a caption: %.200s", textOf(n))
			}
		case "svg":
			if attribute(n, "role") == "img" {
				counts["plots"]++
				if first := n.FirstChild; first == nil || first.Data != "title" || textOf(first) == "" || first.NextSibling.Data != "desc" || textOf(first.NextSibling) == "" {
					t.Errorf("a plot without title and description: %.200s", textOf(n))
				}
			} else if attribute(n, "aria-hidden") != "true" {
				t.Error("an svg that is neither an image nor hidden")
			}
		case "html":
			if attribute(n, "lang") == "" {
				t.Error("no language")
			}
		}
	}
	// Latency (4), in time (2), startup, stalls (2), cost (3); each drawn twice.
	if counts["plots"] != 2*12 || counts["figure"] != 12 || counts["h1"] != 1 {
		t.Errorf("%v", counts)
	}
	for _, want := range []string{
		"WebRTC is better", "MOQT QUIC is better", "Too close to tell", "moqedge bench compare --link bottleneck --input &#39;a b.mp4&#39;",
		"Some Processor", "quic-go v0.64.1", "QUIC paces.", "the publisher was 27ms late", "1.5 Mbit/s from 3 s on", "No audio stalled",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
}

// renderFirst names the first element of a node.
func renderFirst(n *html.Node) string {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode {
			return c.Data
		}
	}
	return ""
}

// The check finds what it is for.
func TestWellFormedNegative(t *testing.T) {
	for _, bad := range []string{
		"<p><b></p></b>", "<p>", `<a href="https://example.org/">x</a>`, `<img src="x.png">`, `<i id="a"></i><b id="a"></b>`,
		`<a href="#nowhere">x</a>`, "<style>@import 'x'</style>", "<style>b{background:url(x)}</style>", `<path d="MNaN 1"></path>`,
	} {
		if len(wellFormed(bad)) == 0 {
			t.Errorf("nothing is wrong with %s", bad)
		}
	}
}

// The result can be read back from the page.
func TestPageData(t *testing.T) {
	x := compared()
	x.Differences = append(x.Differences, `</script><script>alert("&")</script>`)
	_, root := pageOf(t, x)
	var data string
	scripts := 0
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "script" {
			scripts++
			if attribute(n, "id") == "result" {
				data = textOf(n)
			}
		}
	}
	var again lab.Result
	if err := json.Unmarshal([]byte(data), &again); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(x)
	got, _ := json.Marshal(again)
	if !bytes.Equal(got, want) || scripts != 2 {
		t.Errorf("%d scripts; %s", scripts, got)
	}
}

// What has no JSON has a page all the same, which says so.
func TestPageWithoutData(t *testing.T) {
	x := compared()
	x.Bitrate = math.NaN()
	text, _ := pageOf(t, x)
	if !strings.Contains(text, "can not be written as JSON") || strings.Contains(text, `<script type="application/json"`) {
		t.Error("no word on the JSON that is missing")
	}
	if err := ComparePage(compared()).Write(broken{}); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// A curve of losses ends lower, and one that stops leaves a gap.
func TestCurves(t *testing.T) {
	x := compared()
	l := CDF(x.Systems)
	for i, want := range []float64{0.999, 0.98, 0.995} {
		p := l.Series[i].Points
		if len(p) < 50 || math.Abs(p[len(p)-1].Y-want) > 1e-9 || p[0].Y <= 0 {
			t.Errorf("%s ends at %v of %d points, want %v", l.Series[i].Name, p[len(p)-1], len(p), want)
		}
	}
	f := figureOf(overTime(x)[0], "x")
	if gaps := strings.Count(string(f.Drawings[0].SVG), `<path class="line s0" d="M`); gaps != 1 {
		t.Errorf("%d curves of the first system", gaps)
	}
	for _, m := range regexp.MustCompile(`<path class="line s0" d="([^"]*)"`).FindAllStringSubmatch(string(f.Drawings[0].SVG), -1) {
		if strings.Count(m[1], "M") != 2 {
			t.Errorf("no gap in %s", m[1])
		}
	}
	if !strings.Contains(string(f.Drawings[0].SVG), ">1.5 Mbit/s<") {
		t.Error("the bottleneck is not marked")
	}
}

// Systems that are compared with each other look different.
func TestLooks(t *testing.T) {
	taken := map[int]lab.System{}
	for _, s := range append(lab.Systems(), lab.WebRTCSegments, lab.BareQUIC, lab.BareWebTransport) {
		look := SlotOf(s).look()
		if other, ok := taken[look]; ok {
			t.Errorf("%s looks like %s", s, other)
		}
		taken[look] = s
		if NameOf(s) == string(s) {
			t.Errorf("%s has no name", s)
		}
	}
	if Slot(-3).look() < 0 || SlotOf("odd").look() >= slots {
		t.Error("a look that is none")
	}
}

func TestRuler(t *testing.T) {
	for _, c := range []struct {
		name   string
		axis   Axis
		values []float64
		want   string
	}{
		{"linear", Axis{Title: "t", Unit: lab.Seconds}, []float64{0.5, 8}, "t, s: 0 2 4 6 8"},
		{"milliseconds", Axis{Title: "t", Unit: lab.Seconds}, []float64{0.01, 0.03}, "t, ms: 0 10 20 30"},
		{"shares", Axis{Title: "in time", Unit: lab.Share, To: 1.08}, []float64{0.5}, "in time, %: 0 20 40 60 80 100"},
		{"log", Axis{Title: "latency", Unit: lab.Seconds, Scale: Log}, []float64{0.001, 0.1}, "latency: 1 ms 2 ms 5 ms 10 ms 20 ms 50 ms 100 ms"},
		{"nines", Axis{Title: "share", Unit: lab.Share, Scale: Nines}, []float64{0.1, 0.999, 1}, "share: 0 % 50 % 90 % 99 % 99.9 % 100 %"},
		{"nothing", Axis{Title: "x", Unit: lab.Count}, nil, "x: 0 0.2 0.4 0.6 0.8 1"},
		{"odd", Axis{Title: "x", Unit: lab.Count, Scale: Log}, []float64{math.NaN(), -1, math.Inf(1), 0}, "x: 1"},
	} {
		r := c.axis.ruler(c.values)
		got := r.title + ":"
		for _, tick := range r.ticks(false) {
			got += " " + tick.text
			if tick.part < 0 || tick.part > 1 {
				t.Errorf("%s: %v", c.name, tick)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Odd results make odd reports, but never panic nor spoil the markup.
func FuzzResult(f *testing.F) {
	f.Add(0.1, 0.2, 0.3, uint64(100), int64(1e9), 3, "quic", "late", "latency_p50")
	f.Add(math.NaN(), math.Inf(1), math.Inf(-1), uint64(0), int64(-1), 0, "", "", "")
	f.Add(-1.0, 0.0, 1e300, uint64(math.MaxUint64), int64(math.MaxInt64), -5, "we\x1b[31mbrtc", "</script>", "wire")
	f.Add(1e-300, 1e-12, 1e18, uint64(1), int64(math.MinInt64), 1, "webrtc", "a\nb", "in_time_200ms")
	f.Fuzz(func(t *testing.T, a, b, c float64, n uint64, d int64, rounds int, system, reason, figure string) {
		x := compared()
		span := time.Duration(d)
		spread := lab.Spread{Median: a, Min: b, Max: c}
		odd := lab.System(system)
		x.Plan.Systems, x.Plan.Baseline, x.Plan.Duration, x.Plan.Rounds = append(x.Plan.Systems, odd), odd, span, rounds
		x.Bitrate, x.Took, x.Command = a, span, []string{system, reason}
		x.Link = link.Link{Name: reason, Delay: span, Loss: b, Rate: c, Changes: []link.Change{{At: span, Rate: a}, {At: -span, Down: true}}}
		m := x.Rounds[0].Metrics
		q := tally.Quantiles{Count: n, P50: span, P99: -span, Max: span, HDR: reason}
		m.Latency = map[string]tally.Quantiles{"video": q, "all": q}
		m.Series = map[string][]tally.Point{"video": {{At: span, Frames: n, Handed: n, P50: span, P99: -span, InTime: map[string]float64{"200ms": a}}, {At: -span, Handed: 1}}}
		x.Rounds = append(x.Rounds, lab.Round{System: odd, Number: rounds, Metrics: m}, lab.Round{System: odd, Invalid: []string{reason}})
		sum := lab.Summary{System: odd, Valid: rounds, Figures: map[string]lab.Spread{figure: spread}, Ratios: map[string]lab.Spread{figure: spread}, Merged: m}
		for _, known := range lab.Figures() {
			sum.Figures[known.Name] = spread
		}
		x.Systems = append(x.Systems, sum)
		for _, width := range []int{-3, 0, 1, 79, 1000} {
			if text := Text(x, Style{Width: width}); strings.Contains(text, "\x1b") {
				t.Errorf("an escape that is not ours: %q", text)
			}
		}
		text, _ := pageOf(t, x)
		for _, fault := range wellFormed(text) {
			t.Error(fault)
		}
	})
}

// What is not there at all.
func TestNothing(t *testing.T) {
	for _, x := range []lab.Result{{}, {Plan: lab.Plan{Systems: lab.Systems()}, Rounds: []lab.Round{{}}, Systems: []lab.Summary{{}, {}}}} {
		text, _ := pageOf(t, x)
		for _, f := range wellFormed(text) {
			t.Error(f)
		}
	}
	var b bytes.Buffer
	if err := (Page{Title: "x", Sections: []Section{{Title: "y", Plots: []Plot{Lines{Title: "a", Text: "b"}, Bars{Title: "c", Text: "d"}}}}}).Write(&b); err != nil {
		t.Fatal(err)
	}
}
