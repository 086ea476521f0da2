package rtc

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/sfu"
	"moqedge/bench/tally"
)

// measure waits until all viewers have begun, and returns what they get of the frames
// that are due in the time after that. It waits for the last of them, but not longer
// than patience.
func (r *rig) measure(viewers int, patience time.Duration) (m tally.Metrics) {
	r.t.Helper()
	r.began(viewers)
	from := time.Now()
	time.Sleep(1200 * time.Millisecond)
	to := time.Now()
	for ; ; time.Sleep(20 * time.Millisecond) {
		if m = r.board.Window(from, to); m.Complete == m.Frames || time.Since(to) > patience {
			return m
		}
	}
}

// Every frame arrives as it was sent: pictures of many packets, sound, several tracks
// of a kind, opaque messages (of which some tracks may have none in so short a time).
func TestEndToEnd(t *testing.T) {
	for _, c := range []struct {
		profile string
		options media.Options
		sfu     sfu.Config
		viewers int
	}{
		{"3mbps", media.Options{Sound: true}, sfu.Config{}, 3},
		{"meeting", media.Options{Clients: 2}, sfu.Config{Batch: sfu.BatchMessages}, 2},
		{"chat", media.Options{Clients: 20}, sfu.Config{PortPerViewer: true}, 1},
	} {
		t.Run(c.profile, func(t *testing.T) {
			r := newRig(t, c.sfu, profileOf(t, c.profile, c.options))
			p, stopPublisher := r.publish()
			var stops []func()
			for v := range c.viewers {
				o := Options{}
				if c.profile == "meeting" {
					o.Tracks = media.Wanted(r.source.Tracks(), v, c.viewers)
				}
				stops = append(stops, r.view(o, nil))
			}
			m := r.measure(c.viewers, 15*time.Second)
			for _, stop := range stops {
				stop()
			}
			if m.Frames == 0 || m.Complete != m.Frames || m.Broken > 0 || m.Strays > 0 || m.Absent > 0 && c.profile != "chat" {
				t.Errorf("%d of %d frames, %d broken, %d strays", m.Complete, m.Frames, m.Broken, m.Strays)
			}
			if c.profile == "3mbps" && p.KeyRequests() == 0 {
				t.Error("the publisher was not asked for a key frame")
			}
			if q := p.Lateness(); q.Count == 0 {
				t.Error("no lateness")
			}
			stopPublisher()
			eventually(t, "an empty unit", func() bool { return r.unit.Stats() == (sfu.Stats{}) })
		})
	}
}

// Packets that are lost come again, unless nobody asks for them.
func TestLoss(t *testing.T) {
	lossy := &link.Link{Delay: 10 * time.Millisecond, Loss: 0.03}
	for _, c := range []struct {
		name     string
		nack     bool
		patience time.Duration
	}{{"with NACK", true, 15 * time.Second}, {"without", false, time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, sfu.Config{}, profileOf(t, "3mbps", media.Options{}))
			r.publish()
			stop := r.view(Options{NoNACK: !c.nack}, lossy)
			m := r.measure(1, c.patience)
			stop()
			share := float64(m.Complete) / float64(m.Frames)
			t.Logf("%.3f of %d frames", share, m.Frames)
			if c.nack && share < 1 {
				t.Error("frames stayed lost")
			}
			if !c.nack && share > 0.95 {
				t.Error("nothing was lost: this test shows nothing")
			}
			if m.Broken > 0 {
				t.Errorf("%d frames are broken", m.Broken)
			}
		})
	}
}

// Viewers stay while the publisher is away, and go on when it is back.
func TestPublisherComesBack(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "3mbps", media.Options{Sound: true}))
	_, stop := r.publish()
	r.view(Options{}, nil)
	r.began(1)
	stop()
	if s := r.unit.Stats(); s.Publishers != 0 || s.Viewers != 1 || s.Streams != 1 {
		t.Fatalf("while the publisher is away: %+v", s)
	}
	_, cancel, second := r.run()
	defer cancel()
	r.publish() // takes the place of the one before, as if that had not noticed its end
	if err := <-second; !errors.Is(err, ErrConnection) {
		t.Errorf("the publisher whose place was taken: %v", err)
	}
	from := time.Now()
	eventually(t, "frames of the third publisher", func() bool {
		return r.had(from, "video") > 30 && r.had(from, "audio") > 30
	})
	if m := r.board.Window(r.start, time.Now()); m.Broken > 0 || m.Strays > 0 {
		t.Errorf("%d broken, %d strays", m.Broken, m.Strays)
	}
}

// A viewer whose line is gone for a while goes on after it.
func TestOutage(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "360p", media.Options{}))
	r.publish()
	r.view(Options{}, &link.Link{Delay: 5 * time.Millisecond, Changes: []link.Change{{At: time.Second, Down: true}, {At: 3 * time.Second}}})
	eventually(t, "sound after the outage", func() bool {
		return r.had(r.start.Add(3500*time.Millisecond), "audio") > 25
	})
	m := r.board.Window(r.start.Add(1200*time.Millisecond), r.start.Add(2800*time.Millisecond))
	if a := m.Kinds["audio"]; a.Complete > 0 || a.Lost == 0 {
		t.Errorf("sound of the outage: %+v", a)
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t, sfu.Config{}, profileOf(t, "audio", media.Options{}))
	o := Options{URL: r.url + "/whep/nobody", Source: r.source, Start: r.start}
	err := View(t.Context(), o, r.board.Viewer())
	if refused := (*StatusError)(nil); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("nobody publishes: %v", err)
	}
	o.URL = "moqt://127.0.0.1/"
	if err := View(t.Context(), o, r.board.Viewer()); err == nil {
		t.Error("a URL of another protocol was taken")
	}
	chat := profileOf(t, "chat", media.Options{})
	if _, err := Publish(t.Context(), Options{URL: r.url + "/whip/x", Source: chat}); err == nil {
		t.Error("a thousand tracks were taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o.URL = r.url + "/whep/nobody"
	if err := View(ctx, o, r.board.Viewer()); err != nil {
		t.Errorf("a viewer that was told to leave: %v", err)
	}
}
