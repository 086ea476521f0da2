package relay_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/limit"
)

// data limits are tried in each scope with one that holds for the publisher.
func inScopes(t *testing.T, test func(t *testing.T, s limit.Scope)) {
	for _, s := range []limit.Scope{limit.Global, limit.Address, limit.Token, limit.PerSession} {
		t.Run(s.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) { test(t, s) })
		})
	}
}

// sendGroups appends groups of one object each.
func sendGroups(t *testing.T, track *live.Track, first, n uint64, size int) {
	t.Helper()
	for g := first; g < first+n; g++ {
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: g, EndOfGroup: true, FirstObject: true})
		if err == nil {
			err = w.Append(live.WholeObject{Payload: make([]byte, size)})
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLimitedBytesIn: who publishes faster than it may is held up by flow control: all of
// it comes, at the rate of the limit, and none of it is kept meanwhile.
func TestLimitedBytesIn(t *testing.T) {
	const rate, size, many = 1 << 20, 256 << 10, 20
	publish := func(t *testing.T, l *limit.Limiter) (took time.Duration, atOnce uint64) {
		r := newRelay(t, relay.Config{Limits: l, Authorize: subjects, RetainGroups: many})
		track := live.NewTrack(camera, live.Options{RetainGroups: many})
		p := mustFrom(t, r, here, "a", moq.Config{})
		if _, err := p.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		sendGroups(t, track, 0, many, size)
		synctest.Wait()
		atOnce = r.Stats().BytesIn
		for r.Stats().BytesIn < many*size {
			if time.Since(began) > time.Minute {
				t.Fatalf("%+v", r.Stats())
			}
			time.Sleep(10 * time.Millisecond)
		}
		return time.Since(began), atOnce
	}
	inScopes(t, func(t *testing.T, s limit.Scope) {
		l := limit.New(limitsOf(s, limit.Limits{BytesIn: rate}))
		took, atOnce := publish(t, l)
		if want := time.Duration(many*size-rate) * time.Second / rate; took < want*9/10 || took > want*12/10 {
			t.Errorf("took %v, want %v", took, want)
		}
		if atOnce > rate*11/10 {
			t.Errorf("%d bytes taken in at once, of %d that may be", atOnce, rate)
		}
		if l.Count(s, limit.BytesIn) == 0 {
			t.Error("nothing is counted")
		}
	})
	bubble(t, func(t *testing.T) {
		if took, _ := publish(t, limit.New(limitsOf(limit.PerSession, limit.Limits{BytesIn: limit.Unlimited}))); took > 0 {
			t.Errorf("without the limit it takes %v", took)
		}
	})
}

// TestLimitedStreams: data streams beyond a limit are stopped with EXCESSIVE_LOAD; those
// that are open go on, and there is room again when they have ended.
func TestLimitedStreams(t *testing.T) {
	inScopes(t, func(t *testing.T, s limit.Scope) {
		const most, many = 4, 10
		l := limit.New(limitsOf(s, limit.Limits{Streams: most}))
		r := newRelay(t, relay.Config{Limits: l, Authorize: subjects, RetainGroups: 2 * many})
		stopped := &stops{}
		near, far := transport.MemoryPair(wire.Draft18.String())
		if s == limit.Address {
			near, far = transport.MemoryConfig{Protocol: wire.Draft18.String(), Client: udp(here)}.Pair()
		}
		go r.ServeConn(far)
		p, err := moq.NewSession(t.Context(), &stopConn{near, stopped}, moq.Config{Logger: quiet(), Tokens: permits("a")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeSession(p) })
		track := live.NewTrack(camera, live.Options{RetainGroups: 2 * many})
		if _, err := p.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		open := func(first uint64) (all []*live.SubgroupWriter) {
			for g := first; g < first+many; g++ {
				all = append(all, begin(t, track, g))
				write(t, all[len(all)-1], g, 0)
				synctest.Wait()
			}
			return all
		}
		writers := open(0)
		if n := stopped.load.Load(); n != many-most || l.Count(s, limit.Streams) != uint64(n) {
			t.Errorf("%d of %d streams stopped, want all but %d; %d counted", n, many, most, l.Count(s, limit.Streams))
		}
		for _, w := range writers {
			_ = w.Close()
		}
		time.Sleep(time.Second)
		stopped.load.Store(0)
		l.Set(limitsOf(s, limit.Limits{Streams: limit.Unlimited}))
		open(many)
		if n := stopped.load.Load(); n != 0 {
			t.Errorf("%d streams stopped without the limit", n)
		}
	})
}

// stops counts streams that the peer stopped with EXCESSIVE_LOAD.
type stops struct{ load atomic.Int64 }

type stopConn struct {
	transport.Conn
	stops *stops
}

func (c *stopConn) TryOpenUniStream() (transport.SendStream, error) {
	s, err := c.Conn.TryOpenUniStream()
	if err != nil {
		return nil, err
	}
	context.AfterFunc(s.Context(), func() {
		_, err := s.Write([]byte{0})
		var e *transport.StreamError
		if errors.As(err, &e) && e.Remote && e.Code == uint64(wire.ResetExcessiveLoad) {
			c.stops.load.Add(1)
		}
	})
	return s, nil
}

// TestLimitedBitrateOut: a subscriber gets no more than its rate. One that asks for what
// was goes slower, one that watches falls behind and goes on with newer groups.
func TestLimitedBitrateOut(t *testing.T) {
	const rate, size, groups = 8 << 20, 128 << 10, 32 // 1 MiB/s, 4 MiB
	read := func(t *testing.T, l *limit.Limiter) (took time.Duration) {
		r := newRelay(t, relay.Config{Limits: l, Authorize: subjects, RetainGroups: groups})
		track := live.NewTrack(camera, live.Options{RetainGroups: groups})
		p := mustFrom(t, r, "203.0.113.1", "p", moq.Config{})
		if _, err := p.Publish(t.Context(), track, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		sendGroups(t, track, 0, groups, size)
		synctest.Wait()
		viewer := mustFrom(t, r, here, "a", moq.Config{})
		began := time.Now()
		into := live.NewTrack(camera, live.Options{RetainGroups: groups})
		f := viewer.Fetch(moq.FetchOptions{Into: into, Last: wire.Location{Group: groups - 1, Object: math.MaxUint64}})
		if err := f.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	inScopes(t, func(t *testing.T, s limit.Scope) {
		l := limit.New(limit.Config{})
		l.Set(limitsOf(s, limit.Limits{BitrateOut: rate}))
		took := read(t, l)
		if want := time.Duration(groups*size*8-rate/2) * time.Second / rate; took < want*9/10 || took > want*11/10 {
			t.Errorf("took %v, want %v", took, want)
		}
		if l.Count(s, limit.BitrateOut) == 0 {
			t.Error("nothing is counted")
		}
	})
	bubble(t, func(t *testing.T) {
		if took := read(t, limit.New(limit.Config{})); took > 0 {
			t.Errorf("without the limit it takes %v", took)
		}
	})
}

// TestCacheShare: what one address, or token, publishes may not have evicted what others
// did, and may fill what they leave.
func TestCacheShare(t *testing.T) {
	const budget, size = 8 << 20, 64 << 10
	other := wire.FullTrackName{Namespace: camera.Namespace, Name: "flood"}
	left := func(t *testing.T, c limit.Config) (kept int, l *limit.Limiter) {
		l = limit.New(c)
		r := newRelay(t, relay.Config{Limits: l, Authorize: subjects, CacheBytes: budget, RetainGroups: 1 << 20, MaxTrackBytes: budget})
		good := live.NewTrack(camera, live.Options{RetainGroups: 100})
		if _, err := mustFrom(t, r, there, "b", moq.Config{}).Publish(t.Context(), good, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		sendGroups(t, good, 0, 20, size)
		time.Sleep(time.Second)
		flood := live.NewTrack(other, live.Options{RetainGroups: 100})
		if _, err := mustFrom(t, r, here, "a", moq.Config{}).Publish(t.Context(), flood, moq.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		for g := range uint64(300) {
			sendGroups(t, flood, g, 1, size)
			time.Sleep(20 * time.Millisecond)
		}
		if got := r.Stats().Cache.Bytes; got > budget*17/16 || got < budget*15/16 {
			t.Errorf("%d bytes kept of %d: what nobody else needs is for all", got, budget)
		}
		into := live.NewTrack(camera, live.Options{RetainGroups: 100})
		f := mustFrom(t, r, "203.0.113.1", "", moq.Config{}).Fetch(moq.FetchOptions{Into: into, Last: wire.Location{Group: 19, Object: math.MaxUint64}, Params: wire.Parameters{FillTimeout: wire.Some(time.Duration(0))}})
		_ = f.Wait(t.Context()) // what is kept of it comes, whatever else
		_, kept = into.Size()
		return kept, l
	}
	for _, c := range []struct {
		name   string
		config limit.Config
		scope  limit.Scope
		kept   bool
	}{
		{"token", limit.Config{Token: limit.Limits{CacheShare: 0.5}}, limit.Token, true},
		{"unlimited", limit.Config{Token: limit.Limits{CacheShare: limit.Unlimited}}, limit.Token, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				kept, l := left(t, c.config)
				if c.kept != (kept == 20) || c.kept != (l.Count(c.scope, limit.CacheShare) > 0) {
					t.Errorf("%d of 20 groups of another publisher are kept; %d times over the share", kept, l.Count(c.scope, limit.CacheShare))
				}
			})
		})
	}
}
