package admin

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/relay/meter"
)

// Rates are known two readings after the first question, cover two seconds, and are not
// taken when nobody asks any more.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		readings := 0
		began := time.Now()
		p := &pace{ctx: ctx, read: func() reading {
			readings++
			s := uint64(time.Since(began) / time.Second)
			return reading{
				delays: delays{at: time.Now(), forward: meter.NewDistribution(make([]time.Duration, s)...)}, in: 1000 * s, out: 3000 * s,
				links: map[string][2]uint64{"a": {10 * s, 20 * s}}, tracks: map[string][2]uint64{"t": {500 * s, 250 * s}},
			}
		}}
		if p.now().known {
			t.Error("rates before there was a reading")
		}
		time.Sleep(5500 * time.Millisecond)
		synctest.Wait()
		r := p.now()
		if !r.known || r.in != 8000 || r.out != 24000 || r.links["a"] != [2]float64{80, 160} || r.tracks["t"] != [2]float64{4000, 2000} || len(r.history) != 5 || r.history[4] != (Moment{8000, 24000}) {
			t.Errorf("%+v", r)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if readings > 30 {
			t.Errorf("%d readings while nobody asked", readings)
		}
		before := readings
		if r := p.now(); r.known || len(r.history) != 0 {
			t.Errorf("what was is told as new: %+v", r)
		}
		time.Sleep(time.Hour / 40)
		if synctest.Wait(); readings == before {
			t.Error("no readings for the next question")
		}
		p.now()
		stop()
		p.running.Wait()
	})
}

// A counter that began anew has no rate, and the history is bounded.
func TestPaceAnew(t *testing.T) {
	at := time.Now()
	var r rates
	between(&r, reading{delays: delays{at: at}, in: 5, out: 5, links: map[string][2]uint64{"a": {9, 9}, "gone": {1, 1}}, tracks: map[string][2]uint64{"t": {7, 1}}},
		reading{delays: delays{at: at.Add(time.Second)}, in: 4, out: 5, links: map[string][2]uint64{"a": {10, 8}, "new": {1, 1}}, tracks: map[string][2]uint64{"t": {8, 0}}})
	if r.in != 0 || r.out != 0 || len(r.links) != 0 || len(r.tracks) != 0 {
		t.Errorf("%+v", r)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		p := &pace{ctx: ctx, read: func() reading { return reading{delays: delays{at: time.Now()}} }}
		for range 3 * historySize {
			p.now()
			time.Sleep(time.Second)
		}
		if n := len(p.now().history); n != historySize {
			t.Errorf("%d moments", n)
		}
		stop()
		p.running.Wait()
	})
}

// Delays are told of the last minute, as far as there are readings.
func TestPaceDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		p := &pace{ctx: ctx, read: func() reading { return reading{delays: delays{at: time.Now()}} }}
		if p.now().base != nil {
			t.Error("there is a reading to begin with")
		}
		for age := range 3 * historySize {
			if base := p.now().base; age > 1 && base != nil && time.Since(base.at) > time.Minute {
				t.Fatalf("after %d s it is of %v ago", age, time.Since(base.at))
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if base := p.now().base; base == nil || base.at.Equal(began) || time.Since(base.at) < 50*time.Second {
			t.Errorf("at last %+v", base)
		}
		stop()
		p.running.Wait()
	})
}
