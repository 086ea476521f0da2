package relay_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// disturbance is what becomes of a viewer's link for a while.
type disturbance struct {
	rate, low float64 // bit/s; low while it is disturbed, 0: nothing gets through
	lasts     time.Duration
	video     float64 // bit/s
	group     int     // pictures
	ends      time.Duration
}

// viewing is how a viewer fares.
type viewing struct {
	video, audio []handed
}

// handed is when a frame could be played, all before it in its group being there.
type handed struct {
	due, age time.Duration
}

// back returns how long after a time frames were at most late again, and stayed so for
// a second; less than 0 if they never were.
func back(frames []handed, after, late time.Duration) time.Duration {
	since := time.Duration(-1)
	for _, f := range frames {
		switch {
		case f.due < after:
		case f.age < 0 || f.age > late:
			since = -1
		case since < 0:
			since = f.due
		case f.due-since >= time.Second:
			return since - after
		}
	}
	return -1
}

// worst is the age of the latest frame that was due within a time, -1 if one never came.
func worst(frames []handed, from, to time.Duration) (age time.Duration) {
	for _, f := range frames {
		if f.due >= from && f.due < to {
			if f.age < 0 {
				return -1
			}
			age = max(age, f.age)
		}
	}
	return age
}

const (
	pictures = 30
	sounds   = 50
)

// view has a viewer watch live over a link that is disturbed until d.ends.
func (d disturbance) view(t *testing.T, params wire.Parameters, change func(*relay.Config)) (v viewing) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, 25*time.Millisecond, 0)
		c := relay.Config{Name: "edge", Logger: quiet()}
		if change != nil {
			change(&c)
		}
		node := n.serve(relay.New(c), n.endpoint())
		defer node.close()
		video, audio := twoTracks(t, n, node, false)
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var tasks sync.WaitGroup
		tasks.Go(func() { produce(ctx, t, video, d.group, time.Second/pictures, int(d.video/8/pictures)) })
		tasks.Go(func() { produceAt(ctx, t, audio, sounds, time.Second/sounds, 160, 0) })
		defer func() { cancel(); tasks.Wait() }()
		time.Sleep(200 * time.Millisecond)

		dial := n.dial(node)
		at := dial.PacketConn.LocalAddr()
		narrow := &bottleneck{rate: d.rate, queue: 200 * time.Millisecond}
		if d.rate > 0 {
			n.router.setNarrow(at, narrow)
		}
		viewer := n.clientBy(dial, node, nil)
		defer closeSession(viewer)
		var readers sync.WaitGroup
		collect := func(track *live.Track, group int, chained bool, every time.Duration, into *[]handed) {
			sub, err := viewer.Subscribe(ctx, track.Name(), moq.SubscribeOptions{
				JoinGroups: wire.Some(uint64(0)), JoinFailed: func(error) bool { return false }, Params: params,
			})
			if err != nil {
				t.Fatal(err)
			}
			readers.Go(func() {
				arrived := map[wire.Location]time.Duration{}
				r := sub.Track().NewReader(wire.Location{})
				defer r.Close()
				for {
					o, err := r.Next(ctx)
					if err != nil {
						break
					}
					arrived[o.Location()] = time.Since(start)
				}
				*into = handedOver(arrived, group, chained, every, d.ends+6*time.Second)
			})
		}
		collect(video, d.group, true, time.Second/pictures, &v.video)
		collect(audio, sounds, false, time.Second/sounds, &v.audio)
		time.Sleep(time.Until(start.Add(d.ends - d.lasts)))
		d.set(n, at, narrow, d.low)
		time.Sleep(d.lasts)
		d.set(n, at, narrow, d.rate)
		time.Sleep(8 * time.Second)
		cancel()
		readers.Wait()
	})
	return v
}

// set has the link carry so much from now on.
func (d disturbance) set(n *network, at net.Addr, b *bottleneck, rate float64) {
	if rate == 0 && d.low == 0 && d.rate == 0 || d.low == 0 {
		n.router.setCut(at, !n.router.isCut(at))
		return
	}
	n.router.mu.Lock()
	defer n.router.mu.Unlock()
	b.rate = rate
}

// handedOver tells from when objects arrived when frames could be played that were
// due every so often: of chained ones, when all before them in the group were there.
func handedOver(arrived map[wire.Location]time.Duration, group int, chained bool, every, until time.Duration) (frames []handed) {
	var all time.Duration // when the group was there so far
	for n := 0; time.Duration(n)*every < until; n++ {
		due := time.Duration(n) * every
		at, ok := arrived[wire.Location{Group: uint64(n / group), Object: uint64(n % group)}]
		if n%group == 0 || !chained {
			all = 0
		}
		if !ok || all < 0 {
			all = -1
			frames = append(frames, handed{due, -1})
			continue
		}
		all = max(all, at)
		frames = append(frames, handed{due, all - due})
	}
	return frames
}

func TestProbe(t *testing.T) {
	params := wire.Parameters{GroupOrder: wire.Some(wire.GroupOrderDescending)}
	params.SubgroupDeliveryTimeout = wire.Some(time.Second)
	for _, d := range []disturbance{
		{rate: 3e6, low: 1.5e6, lasts: 5 * time.Second, video: 1.9e6, group: 30},
		{rate: 3e6, low: 1.5e6, lasts: 5 * time.Second, video: 1.9e6, group: 60},
		{rate: 3e6, low: 1.5e6, lasts: 5 * time.Second, video: 2.6e6, group: 30},
	} {
		line := ""
		for phase := range 8 {
			d.ends = 10*time.Second + time.Duration(phase)*240*time.Millisecond
			v := d.view(t, params, nil)
			in := 0
			for _, f := range v.video {
				if f.due > d.ends-d.lasts+time.Second && f.due < d.ends && f.age >= 0 && f.age < 500*time.Millisecond {
					in++
				}
			}
			line += fmt.Sprintf(" [v %.2f, %d in, worst a %.2f]", back(v.video, d.ends, 500*time.Millisecond).Seconds(), in,
				worst(v.audio, d.ends-d.lasts, d.ends+3*time.Second).Seconds())
		}
		t.Logf("%+v: %s", d, line)
	}
}
