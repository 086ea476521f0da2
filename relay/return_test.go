package relay_test

import (
	"context"
	"net"
	"slices"
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
	if d.low == 0 {
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

// liveOnly is what a viewer of live asks for: the newest group first, and none that ended
// a second ago.
func liveOnly() wire.Parameters {
	return wire.Parameters{GroupOrder: wire.Some(wire.GroupOrderDescending), SubgroupDeliveryTimeout: wire.Some(time.Second)}
}

// inTime is the age up to which a frame counts as live.
const inTime = 500 * time.Millisecond

// phases has a link recover at several times between two key frames, and returns how
// long it took until pictures were live, and the same for sound.
func (d disturbance) phases(t *testing.T, n int, params wire.Parameters, change func(*relay.Config)) (video, audio []time.Duration, sound time.Duration) {
	t.Helper()
	for k := range n {
		d := d
		d.ends = phase(k, n)
		v := d.view(t, params, change)
		for _, x := range []struct {
			frames []handed
			into   *[]time.Duration
		}{{v.video, &video}, {v.audio, &audio}} {
			took := back(x.frames, d.ends, inTime)
			if took < 0 {
				took = 6 * time.Second // for as long as was looked
			}
			*x.into = append(*x.into, took)
		}
		if age := worst(v.audio, d.ends-d.lasts, d.ends+3*time.Second); age < 0 || sound < 0 {
			sound = -1
		} else {
			sound = max(sound, age)
		}
	}
	return video, audio, sound
}

// phase is when the link recovers the k-th time of n.
func phase(k, n int) time.Duration {
	return 10*time.Second + time.Duration(k)*1930*time.Millisecond/time.Duration(n)
}

// untilKey is how long after a time the next key frame is due.
func (d disturbance) untilKey(at time.Duration) time.Duration {
	group := time.Duration(d.group) * (time.Second / pictures)
	return group - at%group
}

func mean(all []time.Duration) (m time.Duration) {
	for _, d := range all {
		m += d / time.Duration(len(all))
	}
	return m
}

func rounded(all []time.Duration) (short []time.Duration) {
	for _, d := range all {
		short = append(short, d.Round(time.Millisecond))
	}
	return short
}

func ungoverned(c *relay.Config) { c.Ungoverned = true }

// TestLiveAfterNarrowLink: a link carries half for five seconds, less than the pictures
// need. Sound comes in time all along; once the link is wide again pictures are live with
// the next key frame at the latest, whenever that is, or, where they need nearly all of
// the link, with the one after it.
func TestLiveAfterNarrowLink(t *testing.T) {
	t.Parallel() // virtual time
	for _, x := range []struct {
		video  float64
		phases int
		later  time.Duration // than the next key frame
		sound  time.Duration
	}{
		{1.9e6, 8, 0, inTime},
		// More than the queue of the narrow link may be under way when it becomes narrow:
		// what is lost then comes a few round trips later, once.
		{2.6e6, 4, time.Second, 700 * time.Millisecond},
	} {
		d := disturbance{rate: 3e6, low: 1.5e6, lasts: 5 * time.Second, video: x.video, group: 30}
		n := x.phases
		if raced {
			n = 1
		}
		video, _, sound := d.phases(t, n, liveOnly(), nil)
		t.Logf("%.1f Mbit/s: pictures live after %v, %v on average, sound at most %v late", x.video/1e6, rounded(video), round(mean(video)), round(sound))
		for k, took := range video {
			if next := d.untilKey(phase(k, n)); took > next+x.later+100*time.Millisecond {
				t.Errorf("%.1f Mbit/s: pictures were live again after %v, with key frames after %v and each second", x.video/1e6, round(took), round(next))
			}
		}
		if sound < 0 || sound > x.sound {
			t.Errorf("sound was %v late, want at most %v", sound, x.sound)
		}
		if _, _, without := d.phases(t, 1, liveOnly(), ungoverned); without >= 0 && without < sound+50*time.Millisecond {
			t.Errorf("ungoverned sound is %v late: this shows nothing", without)
		}
	}
}

// TestLiveAfterOutage: nothing gets through for three seconds. What comes then is live
// at once, sound as well as pictures, which go on in their group; left to the transport
// it takes as long again until the first packet is tried, and a viewer who has old
// objects given up gets no picture before the next key frame.
func TestLiveAfterOutage(t *testing.T) {
	t.Parallel() // virtual time
	d := disturbance{lasts: 3 * time.Second, video: 1.9e6, group: 60}
	n := 4
	if raced {
		n = 1
	}
	most := func(all []time.Duration) time.Duration { return slices.Max(all) }
	video, audio, _ := d.phases(t, n, liveOnly(), nil)
	t.Logf("live again after: pictures %v, sound %v", video, audio)
	if most(video) > inTime || most(audio) > inTime {
		t.Errorf("pictures were live again after %v at most, sound after %v, want at most %v", most(video), most(audio), inTime)
	}
	full := d // the window, too, when the link goes
	full.rate, full.video, full.group = 3e6, 4e6, 30
	_, audio, _ = full.phases(t, n, liveOnly(), nil)
	t.Logf("on a full link: sound %v", audio)
	if most(audio) > inTime {
		t.Errorf("on a full link sound was live again after %v, want at most %v", most(audio), inTime)
	}
	video, audio, _ = d.phases(t, 1, liveOnly(), ungoverned)
	t.Logf("left to the transport: pictures %v, sound %v", video, audio)
	if most(video) < time.Second || most(audio) < time.Second {
		t.Error("left to the transport it is as fast: this shows nothing")
	}
	old := liveOnly()
	old.SubgroupDeliveryTimeout, old.ObjectDeliveryTimeout = wire.Option[time.Duration]{}, old.SubgroupDeliveryTimeout
	video, _, _ = d.phases(t, 4, old, nil)
	t.Logf("without old objects: pictures %v", video)
	if most(video) < time.Second {
		t.Error("without old objects pictures are live as soon: this shows nothing")
	}
}
