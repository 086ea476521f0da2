package deliver_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// prioritized is a track with a name and a publisher priority.
func prioritized(name string, priority uint8) *live.Track {
	return live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"n"}, Name: name}, live.Options{
		RetainGroups: 100, Properties: wire.AppendProperties(nil, wire.KeyValue{Type: wire.PropPublisherPriority, Value: uint64(priority)}),
	})
}

// load appends groups of objects to a track until ctx is done.
func load(ctx context.Context, t *testing.T, track *live.Track, priority uint8, objects, size int, every time.Duration) {
	for g := uint64(0); ctx.Err() == nil; g++ {
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: g, Priority: priority, FirstObject: true})
		if err != nil {
			t.Error(err)
			return
		}
		for id := range uint64(objects) {
			if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, size)}); err != nil {
				t.Error(err)
				return
			}
			if time.Sleep(every); ctx.Err() != nil {
				return
			}
		}
		_ = w.Close()
	}
}

// TestShares: tracks of the same priority share a full link evenly by bytes,
// whatever the size of their objects.
func TestShares(t *testing.T) {
	for _, sizes := range [][2]int{{10_000, 10_000}, {500, 50_000}, {1000, 3000}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, conn := slow(t, 250_000, deliver.Config{})
				ctx, cancel := context.WithCancel(t.Context())
				var tasks sync.WaitGroup
				for i, size := range sizes {
					track := prioritized(fmt.Sprint(i), 128)
					tasks.Go(func() { // each alone is twice what the link takes
						load(ctx, t, track, 128, 1_000_000/size, size, time.Duration(size)*time.Second/500_000)
					})
					r.Subscribe(deliver.Subscribe{Track: track, Alias: uint64(i), Forward: true})
				}
				r.start()
				time.Sleep(8 * time.Second)
				cancel()
				conn.mu.Lock()
				a, b := conn.bytes[0], conn.bytes[1]
				conn.mu.Unlock()
				tasks.Wait()
				if a+b < 1_800_000 || max(a, b)*10 > min(a, b)*11 {
					t.Errorf("%d and %d bytes were sent", a, b)
				}
			})
		})
	}
}

// TestNewestFirst: on a full link a subscription in descending order gets the
// newest group, and of the others what is left of the link.
func TestNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := slow(t, 100_000, deliver.Config{})
		track := prioritized("a", 128)
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true, Order: wire.GroupOrderDescending})
		r.start()
		for g := range uint64(5) { // each takes a second to send
			w := open(t, track, g, 0)
			for id := range uint64(10) {
				if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 10_000)}); err != nil {
					t.Fatal(err)
				}
			}
			_ = w.Close()
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, x := range r.streams {
			if complete := x.end == "FIN"; complete != (x.header.Group == 4) {
				t.Errorf("a second after the last group came: %v", x)
			}
		}
	})
}

// TestUpdateUnsent: a priority or a forward state that changes counts for what
// is not sent yet, at once, also while a write is blocked (moqt-18 §7.2).
func TestUpdateUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, conn := slow(t, 100_000, deliver.Config{})
		var subs [2]*deliver.Subscription
		for i := range subs {
			track := prioritized(fmt.Sprint(i), 128)
			put10 := open(t, track, 1, 0)
			for id := range uint64(10) {
				if err := put10.Append(live.WholeObject{ID: id, Payload: make([]byte, 50_000)}); err != nil {
					t.Fatal(err)
				}
			}
			subs[i] = r.Subscribe(deliver.Subscribe{Track: track, Alias: uint64(i), Forward: true, Priority: uint8(10 + i)})
		}
		r.start()
		since := func() (order []uint64) {
			conn.mu.Lock()
			defer conn.mu.Unlock()
			order, conn.order = conn.order, nil
			return order
		}
		time.Sleep(1050 * time.Millisecond)
		if o := since(); slices.Contains(o, 1) || len(o) < 80 {
			t.Errorf("before the update: %v", o)
		}
		subs[1].Update(func(p *deliver.Subscribe) { p.Priority = 1 })
		time.Sleep(time.Second)
		if o := since(); slices.Contains(o[1:], 0) {
			t.Errorf("after the priority changed: %v", o)
		}
		subs[1].Update(func(p *deliver.Subscribe) { p.Forward = false })
		time.Sleep(time.Second)
		if o := since(); slices.Contains(o[1:], 1) || len(o) < 80 {
			t.Errorf("after the forward state changed: %v", o)
		}
		_ = r.conn.CloseWithError(0, "")
	})
}

// TestClosedWindow: a stream that the peer does not read, however important, does
// not delay another one: it is left alone until its window opens.
func TestClosedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := transport.MemoryConfig{Protocol: wire.Draft18.String(), StreamBuffer: 20_000}.Pair()
		s := deliver.New(a, wire.Draft18, deliver.Config{})
		important, other := prioritized("important", 1), prioritized("other", 128)
		s.Subscribe(deliver.Subscribe{Track: important, Alias: 1, Forward: true})
		s.Subscribe(deliver.Subscribe{Track: other, Alias: 2, Forward: true})
		ctx, cancel := context.WithCancel(t.Context())
		var tasks sync.WaitGroup
		tasks.Go(func() { _ = s.Run(ctx) })
		tasks.Go(func() { load(ctx, t, important, 1, 1_000_000, 10_000, 50*time.Millisecond) })
		var ages []time.Duration
		tasks.Go(func() {
			for range 2 {
				st, err := b.AcceptUniStream(ctx)
				if err != nil {
					return
				}
				var buffer [4 << 10]byte
				n, _ := st.Read(buffer[:])
				if h, _, err := wire.ParseSubgroupHeader(wire.Draft18, buffer[:n]); err != nil || h.TrackAlias == 1 {
					continue // and is never read again
				}
				tasks.Go(func() {
					for {
						if _, err := st.Read(buffer[:]); err != nil {
							return
						}
						ages = append(ages, time.Duration(time.Now().UnixNano()%int64(20*time.Millisecond)))
					}
				})
			}
		})
		start := time.Now().Truncate(20 * time.Millisecond).Add(20 * time.Millisecond)
		time.Sleep(time.Until(start))
		tasks.Go(func() { load(ctx, t, other, 128, 1_000_000, 500, 20*time.Millisecond) })
		time.Sleep(20 * time.Second)
		cancel()
		_ = a.CloseWithError(0, "")
		tasks.Wait()
		slices.Sort(ages)
		late := len(ages) - 1
		for late >= 0 && ages[late] > 0 {
			late--
		}
		if len(ages) < 950 || len(ages)-1-late > 2 {
			t.Errorf("%d objects of the other stream came, %d of them late, up to %v", len(ages), len(ages)-1-late, ages[len(ages)-1])
		}
	})
}

// TestStuckDatagram: a datagram that the connection has no room for does not
// hold up streams, and is sent when there is room.
func TestStuckDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, conn := slow(t, 1_000_000, deliver.Config{})
		conn.stuck = make(chan struct{})
		packets, objects := prioritized("packets", 1), prioritized("objects", 128)
		r.Subscribe(deliver.Subscribe{Track: packets, Alias: 1, Forward: true})
		r.Subscribe(deliver.Subscribe{Track: objects, Alias: 2, Forward: true})
		r.start()
		packet(t, packets, 0, 0)
		packet(t, packets, 0, 1)
		synctest.Wait()
		w := open(t, objects, 1, 0)
		for id := range 10 {
			put(t, w, id)
			time.Sleep(time.Millisecond)
			r.expect("while the datagram waits", "1/0: "+strings.Join(ids(id), " ")+" open")
		}
		if n := r.counters.Datagrams.Load(); n != 0 {
			t.Errorf("%d datagrams were sent", n)
		}
		close(conn.stuck)
		put(t, w, 10)
		time.Sleep(time.Millisecond)
		r.expect("afterwards", "1/0: "+strings.Join(ids(10), " ")+" open")
		if !slices.Equal(r.packets, []string{"0/0", "0/1"}) {
			t.Errorf("datagrams %v", r.packets)
		}
	})
}

// TestStuckDatagrams: with datagrams of several subscriptions waiting, one alone is
// being handed over, whoever does the work meanwhile.
func TestStuckDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, conn := slow(t, 1_000_000, deliver.Config{})
		conn.stuck = make(chan struct{})
		tracks := []*live.Track{prioritized("a", 1), prioritized("b", 1), prioritized("c", 1)}
		for i, track := range tracks {
			r.Subscribe(deliver.Subscribe{Track: track, Alias: uint64(i), Forward: true})
			packet(t, track, uint64(i), 0)
		}
		objects := prioritized("objects", 128)
		r.Subscribe(deliver.Subscribe{Track: objects, Alias: 9, Forward: true})
		r.start()
		w := open(t, objects, 1, 0)
		for id := range 5 {
			put(t, w, id)
			time.Sleep(50 * time.Millisecond)
			r.expect("while datagrams wait", "1/0: "+strings.Join(ids(id), " ")+" open")
		}
		close(conn.stuck)
		put(t, w, 5)
		time.Sleep(50 * time.Millisecond)
		r.expect("afterwards", "1/0: "+strings.Join(ids(5), " ")+" open")
		for i, track := range tracks { // the scheduler is still at work
			packet(t, track, uint64(i), 1)
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		slices.Sort(r.packets)
		if want := []string{"0/0", "0/1", "1/0", "1/1", "2/0", "2/1"}; !slices.Equal(r.packets, want) {
			t.Errorf("datagrams %v, want %v", r.packets, want)
		}
	})
}

// ids are those from 0 up to last.
func ids(last int) (out []string) {
	for id := range last + 1 {
		out = append(out, fmt.Sprint(id))
	}
	return out
}

// TestLagInBytes: a subscriber that has more to take than the bound goes on with
// the newest group long before it is late by time, and this is told once.
func TestLagInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r, _ := slow(t, 100_000, deliver.Config{
			MaxLag: time.Hour, MaxLagBytes: 200_000,
			Logger: func() *slog.Logger {
				return slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			},
		})
		track := prioritized("a", 128)
		r.Subscribe(deliver.Subscribe{Track: track, Forward: true})
		r.start()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); load(ctx, t, track, 128, 10, 10_000, 50*time.Millisecond) }() // twice the link
		time.Sleep(20 * time.Second)
		cancel()
		<-done
		synctest.Wait()
		if n := r.counters.GroupsSkipped(); n < 5 {
			t.Errorf("%d groups were skipped", n)
		}
		if n := strings.Count(log.String(), "fell behind"); n == 0 || n > 1+strings.Count(log.String(), "caught up") {
			t.Errorf("logged:\n%s", log.String())
		}
		_ = r.conn.CloseWithError(0, "")
	})
}
