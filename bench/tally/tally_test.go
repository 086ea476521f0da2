package tally

import (
	"encoding/json"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"moqedge/bench/media"
)

const ms = time.Millisecond

func profile(t testing.TB, name string) media.Source {
	t.Helper()
	s, err := media.Profile(name, media.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// watch has a viewer get the frames of a track due before end, each with a latency;
// below zero it is lost.
func watch(b *Board, v *Viewer, track int, end time.Duration, latency func(f media.Frame) time.Duration) {
	for n := uint64(0); ; n++ {
		f := b.source.Frame(track, n)
		if f.Due >= end {
			return
		}
		if l := latency(f); l >= 0 {
			v.Complete(track, f, b.start.Add(f.Due+l))
		}
	}
}

// TestStories: what becomes of 3 s of pictures at 30 fps in groups of a second, and
// of sound in frames of 20 ms.
func TestStories(t *testing.T) {
	on := func(first, last uint64, l time.Duration) func(media.Frame) time.Duration {
		return func(f media.Frame) time.Duration {
			if f.N >= first && f.N <= last {
				return l
			}
			return 10 * ms
		}
	}
	const third = time.Second / 30
	for _, c := range []struct {
		name, profile     string
		latency           func(media.Frame) time.Duration
		lost, undecodable uint64
		inTime            float64 // within 200 ms
		max               time.Duration
		stall             Freeze // at 200 ms
	}{
		{"smooth", "3mbps", on(1, 0, 0), 0, 0, 1, 10 * ms, Freeze{}},
		{"a lost picture spoils its group", "3mbps", on(40, 40, -1), 1, 19, 70. / 90, 10 * ms, Freeze{Count: 1, Missing: 20, Frozen: 20 * third}},
		{"a lost last picture spoils itself", "3mbps", on(59, 59, -1), 1, 0, 89. / 90, 10 * ms, Freeze{Count: 1, Missing: 1, Frozen: third}},
		{"a late picture holds up those behind it", "3mbps", on(40, 40, 300*ms), 0, 0, 87. / 90, 300 * ms, Freeze{Count: 1, Missing: 3, Frozen: 100 * ms}},
		{"a late last picture holds up nothing", "3mbps", on(59, 59, 900*ms), 0, 0, 89. / 90, 900 * ms, Freeze{Count: 1, Missing: 1, Frozen: third}},
		{"always too late", "3mbps", on(0, 1000, 250*ms), 0, 0, 0, 250 * ms, Freeze{Count: 1, Missing: 90, Frozen: 3 * time.Second}},
		{"two groups lost", "3mbps", on(15, 60, -1), 46, 29, 15. / 90, 10 * ms, Freeze{Count: 1, Missing: 75, Frozen: 75 * third}},
		{"just in time", "3mbps", on(0, 1000, 200*ms), 0, 0, 1, 200 * ms, Freeze{}},
		{"a lost packet of sound", "audio", on(40, 40, -1), 1, 0, 149. / 150, 10 * ms, Freeze{Count: 1, Missing: 1, Frozen: 20 * ms}},
		{"a late packet of sound is lost", "audio", on(40, 40, 201*ms), 0, 0, 149. / 150, 201 * ms, Freeze{Count: 1, Missing: 1, Frozen: 20 * ms}},
		{"every other packet", "audio", func(f media.Frame) time.Duration { return time.Duration(f.N%2)*11*ms - 1 }, 75, 0, 0.5, 11*ms - 1, Freeze{Count: 75, Missing: 75, Frozen: 1500 * ms}},
		{"messages stand alone", "chat", on(1, 1, -1), 1, 0, 2. / 3, 10 * ms, Freeze{}},
	} {
		b := New(Options{Source: profile(t, c.profile), Start: time.Now()})
		v := b.Viewer(0)
		v.Connecting(b.start.Add(-time.Second))
		v.Joined(0, 0)
		watch(b, v, 0, 6*time.Second, c.latency)
		m := b.Window(b.start, b.start.Add(3*time.Second))
		if m.Lost != c.lost || m.Undecodable != c.undecodable || math.Abs(m.InTime["200ms"]-c.inTime) > 1e-9 || m.Latency["all"].Max != c.max {
			t.Errorf("%s: %d lost, %d undecodable, %f in time, at most %v", c.name, m.Lost, m.Undecodable, m.InTime["200ms"], m.Latency["all"].Max)
		}
		kind := b.tracks[0].Kind.String()
		got := m.Stalls["200ms"][kind]
		if kind != "data" {
			c.stall.Played = 3 * time.Second
		}
		// times of frames are cut to nanoseconds
		if d := got.Frozen - c.stall.Frozen; d < -100 || d > 100 {
			t.Errorf("%s: frozen for %v, want %v", c.name, got.Frozen, c.stall.Frozen)
		}
		if got.Frozen = c.stall.Frozen; got != c.stall {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.stall)
		}
		if count, frozen := got.PerMinute(); kind != "data" && (count != float64(20*got.Count) || frozen != 20*got.Frozen) {
			t.Errorf("%s: %f stalls and %v a minute", c.name, count, frozen)
		}
	}
}

// TestSeries: an outage of a second shows where it was, and nowhere else.
func TestSeries(t *testing.T) {
	b := New(Options{Source: profile(t, "audio"), Start: time.Now()})
	v := b.Viewer()
	v.Connecting(b.start)
	v.Joined(0, 0)
	watch(b, v, 0, 5*time.Second, func(f media.Frame) time.Duration {
		if f.Due >= time.Second && f.Due < 2*time.Second {
			return 2*time.Second - f.Due // all at its end
		}
		return 20 * ms
	})
	m := b.Window(b.start.Add(500*ms), b.start.Add(2600*ms))
	series := m.Series["audio"]
	if len(series) != 9 || series[8].Frames != 5 {
		t.Fatalf("%+v", series)
	}
	for i, p := range series {
		late := i >= 2 && i < 6 // due from 1.0 to 2.0 s, and there at 2.0
		if (p.InTime["200ms"] == 1) == late || p.Handed != p.Frames || (p.P50 < 21*ms) == late {
			t.Errorf("%v: %+v", p.At, p)
		}
	}
	if lost := m.Stalls["500ms"]["audio"]; lost.Missing != 25 || lost.Count != 1 {
		t.Errorf("%+v", lost)
	}
}

// TestRecovery: after an outage from 1 to 2 s.
func TestRecovery(t *testing.T) {
	for _, c := range []struct {
		name    string
		latency func(due time.Duration) time.Duration
		to      time.Duration
		want    time.Duration
		never   bool
	}{
		{"at once", func(time.Duration) time.Duration { return 20 * ms }, 6 * time.Second, 0, false},
		{"what was kept back comes late", func(due time.Duration) time.Duration { return max(20*ms, 2600*ms-due) }, 6 * time.Second, 500 * ms, false},
		{"it comes and goes", func(due time.Duration) time.Duration {
			if due >= 2500*ms && due < 2600*ms {
				return -1
			}
			return 20 * ms
		}, 6 * time.Second, 750 * ms, false},
		{"never", func(due time.Duration) time.Duration { return 300 * ms }, 6 * time.Second, 0, true},
		{"the window is too short", func(time.Duration) time.Duration { return 20 * ms }, 2800 * ms, 0, true},
	} {
		b := New(Options{Source: profile(t, "audio"), Start: time.Now()})
		v := b.Viewer()
		v.Connecting(b.start)
		v.Joined(0, 0)
		watch(b, v, 0, 7*time.Second, func(f media.Frame) time.Duration {
			if f.Due < 2*time.Second {
				return 2*time.Second - f.Due + 20*ms
			}
			return c.latency(f.Due)
		})
		m := b.Window(b.start, b.start.Add(c.to))
		if got, ok := m.Recovery("audio", 2*time.Second, "200ms"); got != c.want || ok == c.never {
			t.Errorf("%s: after %v, %v", c.name, got, ok)
		}
		if _, ok := m.Recovery("video", 2*time.Second, "200ms"); ok {
			t.Errorf("%s: pictures that nobody sent", c.name)
		}
	}
}

// TestViewers: who connects, joins and leaves when.
func TestViewers(t *testing.T) {
	b := New(Options{Source: profile(t, "3mbps"), Start: time.Now()})
	at := func(d time.Duration) time.Time { return b.start.Add(d) }
	add := func(connect, leave time.Duration, first int) {
		v := b.Viewer()
		if connect < 0 {
			return
		}
		v.Connecting(at(connect))
		v.Connecting(at(connect + time.Second)) // again, after a loss: the first counts
		if first >= 0 {
			v.Joined(0, uint64(first))
			v.Joined(0, uint64(first)+30)
			watch(b, v, 0, min(leave, 10*time.Second), func(f media.Frame) time.Duration {
				if f.N < uint64(first) {
					return -1
				}
				return 25 * ms
			})
		}
		if leave < time.Hour {
			v.Left(at(leave))
		}
	}
	for _, step := range []struct {
		name                 string
		connect, leave       time.Duration
		first                int
		viewers, gone, away  int
		frames, lost         uint64 // of all so far, in seconds 2 to 4
		started, connecting_ int
	}{
		{"there from the beginning", 0, time.Hour, 0, 1, 0, 0, 60, 0, 1, 1},
		{"joins with a key frame", 2500 * ms, time.Hour, 90, 2, 0, 0, 90, 0, 2, 2},
		{"joins between key frames", 2100 * ms, time.Hour, 65, 3, 0, 0, 120, 0, 3, 3},
		{"leaves", 0, 3 * time.Second, 0, 4, 1, 0, 150, 0, 4, 4},
		{"never joins", 3 * time.Second, time.Hour, -1, 5, 1, 1, 180, 30, 4, 5},
		{"comes later", 5 * time.Second, time.Hour, 150, 5, 1, 1, 180, 30, 5, 6},
		{"never comes", -1, time.Hour, -1, 5, 1, 1, 180, 30, 5, 6},
	} {
		add(step.connect, step.leave, step.first)
		m := b.Window(at(2*time.Second), at(4*time.Second))
		if m.Viewers != step.viewers || m.Gone != step.gone || m.Absent != step.away || m.Frames != step.frames || m.Lost != step.lost {
			t.Errorf("%s: %d viewers, %d gone, %d absent, %d frames, %d lost", step.name, m.Viewers, m.Gone, m.Absent, m.Frames, m.Lost)
		}
		if started, connecting := b.Started(); started != step.started || connecting != step.connecting_ {
			t.Errorf("%s: %d of %d have started", step.name, started, connecting)
		}
	}
	m := b.Window(at(0), at(time.Second))
	// The one that came 2.5 s late waited for the key frame due at 3 s.
	if m.Startup.Count != 5 || m.Startup.Max < 500*ms || m.Startup.P50 > 26*ms {
		t.Errorf("startup %+v", m.Startup)
	}
}

// A window that ends before it begins, or before anything is due, is empty.
func TestEmptyWindow(t *testing.T) {
	for _, name := range []string{"3mbps", "360p", "meeting", "audio"} {
		b := New(Options{Source: profile(t, name), Start: time.Now()})
		v := b.Viewer()
		v.Connecting(b.start)
		for i := range b.tracks {
			v.Joined(i, 0)
			for n := range uint64(200) {
				v.Complete(i, b.source.Frame(i, n), b.start.Add(b.source.Slot(i, n).Due+20*ms))
			}
		}
		b.Viewer().Connecting(b.start.Add(3 * time.Second)) // and never joins
		if m := b.Window(b.start, b.start.Add(2*time.Second)); m.Frames == 0 || m.Lost != 0 {
			t.Fatalf("%s: %d frames, %d lost", name, m.Frames, m.Lost)
		}
		seconds := []time.Duration{-2, -1, 0, 1, 2, 3, 5}
		for _, from := range seconds {
			for _, to := range seconds {
				if to > from && to > 0 {
					continue
				}
				m := b.Window(b.start.Add(from*time.Second+7*ms), b.start.Add(to*time.Second))
				if m.Frames != 0 || m.Latency["all"].Count != 0 || m.Goodput != 0 || m.Duration != max(to-from, 0)*time.Second-min(max(to-from, 0), 1)*7*ms {
					t.Errorf("%s, from %d s to %d s: %+v", name, from, to, m)
				}
			}
		}
	}
}

// TestContent: what differs from what was sent does not count, until the right
// bytes come.
func TestContent(t *testing.T) {
	b := New(Options{Source: profile(t, "360p"), Start: time.Now()})
	v := b.Viewer(0)
	v.Connecting(b.start)
	v.Joined(0, 0)
	later := b.start.Add(10 * time.Second)
	damage := func(n uint64, change func(p []byte) []byte) {
		f := b.source.Frame(0, n)
		f.Payload = change(f.Payload)
		v.Complete(0, f, later)
	}
	for i, change := range []func(p []byte) []byte{
		func(p []byte) []byte { p[len(p)-1] ^= 1; return p },
		func(p []byte) []byte { return p[:len(p)-1] },
		func(p []byte) []byte { return append(p, 1) },
		func([]byte) []byte { return nil },
		func([]byte) []byte { return b.source.Frame(0, 99).Payload },
	} {
		damage(uint64(i), change)
	}
	same := func(p []byte) []byte { return p }
	damage(0, same)
	m := b.Window(b.start, b.start.Add(time.Second))
	if m.Frames != 30 || m.Complete != 1 || m.Broken != 4 || m.Lost != 29 {
		t.Errorf("%+v", m.Counts)
	}
	for _, n := range []uint64{400, 1 << 40, math.MaxUint64} { // not due yet
		damage(n, same)
	}
	v.Complete(1, b.source.Frame(1, 0), later) // not wanted
	v.Complete(2, media.Frame{}, later)
	v.Complete(-1, media.Frame{}, later)
	if m := b.Window(b.start, b.start.Add(time.Second)); m.Strays != 6 || m.Broken != 4 {
		t.Errorf("%d strays, %d broken", m.Strays, m.Broken)
	}
}

func TestJSON(t *testing.T) {
	b := New(Options{Source: profile(t, "360p"), Start: time.Now()})
	for i := range 3 {
		v := b.Viewer()
		v.Connecting(b.start)
		v.Ready(b.start.Add(5 * ms))
		for track := range 2 {
			v.Joined(track, 0)
			watch(b, v, track, 2*time.Second, func(f media.Frame) time.Duration {
				return time.Duration((f.N+1)%7)*time.Duration(i+1)*5*ms - 1
			})
		}
	}
	m := b.Window(b.start, b.start.Add(time.Second))
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Metrics
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m, back) {
		t.Errorf("%+v became %+v", m, back)
	}
	once, err := Merge(m)
	if err != nil || !reflect.DeepEqual(once.Latency, m.Latency) || !reflect.DeepEqual(once.Kinds, m.Kinds) || once.Goodput != m.Goodput || once.Ready != m.Ready {
		t.Errorf("%v: %+v merged is %+v", err, m, once)
	}
	twice, err := Merge(m, back)
	if err != nil || twice.Latency["all"].Count != 2*m.Latency["all"].Count || twice.Latency["video"].P95 != m.Latency["video"].P95 || math.Abs(twice.Goodput/m.Goodput-1) > 1e-9 || twice.Viewers != 3 || math.Abs(twice.InTime["50ms"]-m.InTime["50ms"]) > 1e-9 {
		t.Errorf("%v: %+v merged twice is %+v", err, m, twice)
	}
	back.Startup.HDR = back.Startup.HDR[:len(back.Startup.HDR)/2]
	if _, err := Merge(m, back); err == nil {
		t.Error("half a histogram was merged")
	}
	back.Startup = m.Startup
	more := back.Latency["all"]
	more.Count++
	back.Latency["all"] = more
	if _, err := Merge(back); err == nil {
		t.Error("a histogram of another count was merged")
	}
}

// TestDistribution: shares ascend to one, and agree with the quantiles.
func TestDistribution(t *testing.T) {
	var h Histogram
	for i := range 1000 {
		h.Add(time.Duration(i) * ms)
	}
	h.Add(-time.Second)
	h.Add(3 * time.Hour)
	q := h.Quantiles()
	if q.Count != 1002 || q.Max != 3*time.Hour {
		t.Errorf("%+v", q)
	}
	steps, err := q.Distribution()
	if err != nil || steps[len(steps)-1].Share != 1 {
		t.Fatalf("%v, %v", err, steps)
	}
	for i, s := range steps {
		if i > 0 && (s.Value <= steps[i-1].Value || s.Share <= steps[i-1].Share) {
			t.Fatalf("step %d: %+v after %+v", i, s, steps[i-1])
		}
		if s.Value == q.P50 && math.Abs(s.Share-0.5) > 0.001 {
			t.Errorf("%+v at the median", s)
		}
	}
	if steps, err := new(Histogram).Quantiles().Distribution(); err != nil || len(steps) != 0 {
		t.Errorf("of nothing: %v, %v", err, steps)
	}
}

// TestConcurrent: viewers are told and windows taken at the same time (for the race
// detector), and nothing is forgotten.
func TestConcurrent(t *testing.T) {
	b := New(Options{Source: profile(t, "3mbps"), Start: time.Now()})
	var told sync.WaitGroup
	stop := make(chan struct{})
	var looked sync.WaitGroup
	looked.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				b.Window(b.start, b.start.Add(time.Second))
				b.Started()
			}
		}
	})
	for range 8 {
		v := b.Viewer()
		for part := range 2 {
			told.Go(func() {
				v.Connecting(b.start)
				v.Joined(0, 0)
				watch(b, v, 0, 5*time.Second, func(f media.Frame) time.Duration {
					return time.Duration((f.N+uint64(part))%2)*2*ms - 1
				})
			})
		}
	}
	told.Wait()
	close(stop)
	looked.Wait()
	m := b.Window(b.start, b.start.Add(5*time.Second))
	if m.Frames != 8*150 || m.Complete != m.Frames || m.Viewers != 8 || m.Startup.Count != 8 {
		t.Errorf("%+v", m.Counts)
	}
}

// What was taken counts no more.
func TestTake(t *testing.T) {
	var h Histogram
	h.Add(time.Second)
	h.Add(2 * time.Second)
	if q := h.Take(); q.Count != 2 || q.Max != 2*time.Second {
		t.Errorf("%+v", q)
	}
	h.Add(time.Millisecond)
	if q := h.Take(); q.Count != 1 || q.Max != time.Millisecond || h.Take().Count != 0 {
		t.Errorf("%+v", q)
	}
}
