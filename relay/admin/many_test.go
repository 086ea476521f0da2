package admin

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/meter"
)

// many tracks, more than the page and a page of the API have.
const many = 3000

// crowd has many tracks with a viewer each: the one of number i has got i bytes, and the
// first three have a second viewer.
func crowd(t *testing.T, w *world) {
	t.Helper()
	const each = many / 10
	var all sync.WaitGroup
	second := w.connect(moq.Config{})
	for part := range 10 {
		origin, ns := moq.NewOrigin(), wire.Namespace{"many", fmt.Sprint(part)}
		var tracks []*live.Track
		for i := range each {
			track := live.NewTrack(wire.FullTrackName{Namespace: ns, Name: fmt.Sprintf("t%05d", part*each+i)}, live.Options{})
			origin.AddTrack(track)
			tracks = append(tracks, track)
		}
		publisher, viewer := w.connect(moq.Config{Handler: origin}), w.connect(moq.Config{RequestTimeout: time.Minute})
		if _, err := publisher.PublishNamespace(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for i, track := range tracks {
				if _, err := viewer.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{}); err != nil {
					t.Error(err)
					return
				}
				if part == 0 && i < 3 {
					if _, err := second.Subscribe(t.Context(), track.Name(), moq.SubscribeOptions{}); err != nil {
						t.Error(err)
						return
					}
				}
				g, err := track.OpenSubgroup(live.SubgroupInfo{Priority: wire.DefaultPriority})
				if err == nil {
					err = g.Append(live.WholeObject{Payload: make([]byte, part*each+i)})
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestMany: with thousands of tracks the page and each answer have as many as they are to
// have, those first that they are sorted by, and a walk over the pages finds each once.
func TestMany(t *testing.T) {
	w := newWorld(t, nil)
	crowd(t, w)
	total := many + 1 // with that of the world
	seen, target := map[string]bool{}, "/tracks?limit=1000"
	for target != "" {
		page := get[Tracks](w, target)
		if len(page.Tracks) > 1000 {
			t.Fatalf("%d tracks on a page", len(page.Tracks))
		}
		for _, x := range page.Tracks {
			if seen[x.Name] {
				t.Fatalf("%s is there twice", x.Name)
			}
			seen[x.Name] = true
		}
		if target = ""; page.Next != "" {
			target = "/tracks?limit=1000&after=" + page.Next
		}
	}
	if len(seen) != total {
		t.Errorf("%d tracks, want %d", len(seen), total)
	}
	watched := get[Tracks](w, "/tracks?sort=subscribers&limit=5").Tracks
	for i, x := range watched {
		if want := map[bool]int{true: 2, false: 1}[i < 3]; x.Subscribers != want || i < 3 && x.Name != fmt.Sprintf("many-0--t%05d", i) {
			t.Errorf("number %d by viewers is %s with %d", i, x.Name, x.Subscribers)
		}
	}
	w.until("the track with the highest rate is first", func() bool {
		w.put(2 + uint64(time.Now().UnixMilli()))
		x := get[Tracks](w, "/tracks?sort=rate&limit=2").Tracks
		return len(x) == 2 && x[0].Name == "live-cam1--video" && value(x[0].BitsIn) > 0 && value(x[0].BitsOut) > 0
	})
	o := get[Overview](w, "/overview?limit=1000")
	if len(o.Tracks) != 1000 || o.Totals.Tracks != total || o.Tracks[0].Name != "live-cam1--video" {
		t.Errorf("overview: %d tracks of %d, first %s", len(o.Tracks), o.Totals.Tracks, o.Tracks[0].Name)
	}
	_, page := w.ask(http.MethodGet, "/")
	if n := strings.Count(page, `<tr><th scope="row">many-`) + strings.Count(page, `<tr><th scope="row">live-`); n != pageTracks {
		t.Errorf("%d tracks on the page", n)
	}
	if want := fmt.Sprintf("%d of %d tracks, those with the highest rates", pageTracks, total); !strings.Contains(page, want) {
		t.Errorf("no %q on the page", want)
	}
}

// TestNobody: a relay without sessions is shown as such, without numbers that are made up.
func TestNobody(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Relay, c.Ingests, c.Name = relay.New(relay.Config{ID: "r2", Logger: quiet()}), nil, ""
	})
	t.Cleanup(w.server.config.Relay.Close)
	_, page := w.ask(http.MethodGet, "/")
	for _, want := range []string{
		"<title>r2 – moqedge</title>", "None: this node stands alone.", "None: nobody publishes or watches.", "None: nobody was here yet.", "All tracks (0)",
		`<dt>Forward delay, median</dt><dd>–</dd>`, `<dt>In</dt><dd class="in">–</dd>`, "0 objects looked at",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if strings.Contains(page, "NaN") {
		t.Error("a number is none")
	}
	if o := get[Overview](w, "/overview"); o.Delays.Forward != (Delay{}) || o.Totals.BitsIn != nil || len(o.Traffic) != 0 {
		t.Errorf("%+v", o)
	}
}

// TestDelays: the page, the API and the picture say what the node adds, of the last minute.
func TestDelays(t *testing.T) {
	var observed atomic.Pointer[[]time.Duration]
	observed.Store(&[]time.Duration{time.Second})
	w := newWorld(t, func(c *Config) {
		c.Delays = func() (forward, queued meter.Distribution) {
			return meter.NewDistribution(*observed.Load()...), meter.NewDistribution()
		}
	})
	if d := get[Overview](w, "/overview").Delays; d.Forward.Samples != 1 || d.Forward.P50 < 500*time.Millisecond {
		t.Errorf("since the start: %+v", d)
	}
	w.until("two readings", func() bool { return len(get[Overview](w, "/overview").History) > 0 })
	later := []time.Duration{time.Second}
	for range 100 {
		later = append(later, 80*time.Microsecond)
	}
	observed.Store(&later)
	d := get[Overview](w, "/overview").Delays
	if d.Forward.Samples != 100 || d.Forward.P50 < 50*time.Microsecond || d.Forward.P99 > 100*time.Microsecond || d.Queued != (Delay{}) || d.Seconds > 60 {
		t.Errorf("since there are readings: %+v", d)
	}
	if _, picture := w.ask(http.MethodGet, "/tree.svg"); !strings.Contains(picture, ">adds 0.07 ms, p99 0.10 ms<") && !strings.Contains(picture, ">adds 0.08 ms, p99 0.10 ms<") {
		t.Error(picture)
	}
	if _, page := w.ask(http.MethodGet, "/"); !strings.Contains(page, "<dt>Forward delay, p99</dt><dd>0.10 ms</dd>") {
		t.Error(page)
	}
}
