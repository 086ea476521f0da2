package rtc

import (
	"testing"
	"time"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/sfu"
)

// Every frame arrives as it was sent: pictures of several packets, and sound.
func TestEndToEnd(t *testing.T) {
	for _, c := range []struct {
		profile string
		options media.Options
	}{
		{"3mbps", media.Options{Sound: true}},
		{"meeting", media.Options{Clients: 2}},
	} {
		t.Run(c.profile, func(t *testing.T) {
			r := newRig(t, sfu.Config{}, profileOf(t, c.profile, c.options))
			r.publish()
			stop := r.view(Options{}, nil)
			r.began(1)
			from := time.Now()
			time.Sleep(2 * time.Second)
			to := time.Now()
			time.Sleep(100 * time.Millisecond)
			stop()
			m := r.board.Window(from, to)
			if m.Frames == 0 || m.Complete != m.Frames || m.Broken > 0 || m.Strays > 0 {
				t.Errorf("%d of %d frames, %d broken, %d strays", m.Complete, m.Frames, m.Broken, m.Strays)
			}
			t.Logf("latency %v, startup %v ready %v", m.Latency["all"].P99, m.Startup.Max, m.Ready.Max)
		})
	}
}

func TestStartup(t *testing.T) {
	for range 3 {
		r := newRig(t, sfu.Config{}, profileOf(t, "3mbps", media.Options{}))
		r.publish()
		stop := r.view(Options{}, &link.Link{Delay: 25 * time.Millisecond})
		r.began(1)
		from := time.Now()
		time.Sleep(2 * time.Second)
		to := time.Now()
		time.Sleep(300 * time.Millisecond)
		stop()
		m := r.board.Window(from, to)
		if m.Frames == 0 || m.Complete != m.Frames || m.Broken > 0 || m.Strays > 0 {
			t.Errorf("%d of %d frames, %d broken, %d strays", m.Complete, m.Frames, m.Broken, m.Strays)
		}
		t.Logf("latency %v, startup %v ready %v", m.Latency["all"].P99, m.Startup.Max, m.Ready.Max)
	}
}
