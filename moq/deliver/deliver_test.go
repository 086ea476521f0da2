package deliver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// filled returns a track with whole groups of two objects each.
func filled(t *testing.T, name string, priority uint8, groups ...uint64) *live.Track {
	t.Helper()
	track := live.NewTrack(wire.FullTrackName{Namespace: wire.Namespace{"n"}, Name: name}, live.Options{RetainGroups: 100})
	for _, g := range groups {
		w, err := track.OpenSubgroup(live.SubgroupInfo{Group: g, Priority: priority, FirstObject: true, EndOfGroup: true})
		if err != nil {
			t.Fatal(err)
		}
		for id := range uint64(2) {
			if err := w.Append(live.WholeObject{ID: id, Payload: make([]byte, 3000)}); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
	}
	return track
}

// streams runs a scheduler until it has nothing to do and returns the streams
// that arrived, as "alias/group", in the order of their beginning.
func streams(t *testing.T, prepare func(*deliver.Scheduler)) []string {
	t.Helper()
	a, b := transport.MemoryPair("moqt-18")
	s := deliver.New(a, wire.Draft18, deliver.Config{})
	prepare(s)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- s.Run(ctx) }()
	var got []string
	accept, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			st, err := b.AcceptUniStream(accept)
			if err != nil {
				return
			}
			all, err := io.ReadAll(st)
			if err != nil {
				t.Error(err)
			}
			h, n, err := wire.ParseSubgroupHeader(wire.Draft18, all)
			if err != nil || !h.FirstObject || !h.EndOfGroup || len(all)-n < 6000 {
				t.Errorf("stream of %d bytes, header %+v, error %v", len(all), h, err)
			}
			got = append(got, fmt.Sprintf("%d/%d", h.TrackAlias, h.Group))
		}
	}()
	synctest.Wait()
	stop()
	<-done
	cancel()
	<-over
	_ = a.CloseWithError(0, "")
	return got
}

// TestOrder: subscriber priority, then publisher priority, then group order
// (moqt-18 §7.2).
func TestOrder(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(*testing.T, *deliver.Scheduler)
		want    []string
	}{
		{"ascending", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1, 2, 3), Alias: 1, Forward: true, Order: wire.GroupOrderAscending})
		}, []string{"1/1", "1/2", "1/3"}},
		{"descending", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1, 2, 3), Alias: 1, Forward: true, Order: wire.GroupOrderDescending})
		}, []string{"1/3", "1/2", "1/1"}},
		{"publisher priority", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1, 2), Alias: 1, Forward: true})
			s.Subscribe(deliver.Subscribe{Track: filled(t, "b", 10, 1, 2), Alias: 2, Forward: true})
		}, []string{"2/1", "2/2", "1/1", "1/2"}},
		{"subscriber priority first", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 10, 1, 2), Alias: 1, Forward: true, Priority: 7})
			s.Subscribe(deliver.Subscribe{Track: filled(t, "b", 128, 1, 2), Alias: 2, Forward: true, Priority: 6})
		}, []string{"2/1", "2/2", "1/1", "1/2"}},
		{"a changed priority", func(t *testing.T, s *deliver.Scheduler) {
			x := s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 10, 1, 2), Alias: 1, Forward: true, Priority: 5})
			s.Subscribe(deliver.Subscribe{Track: filled(t, "b", 128, 1, 2), Alias: 2, Forward: true, Priority: 6})
			x.Update(func(p *deliver.Subscribe) { p.Priority = 9 })
		}, []string{"2/1", "2/2", "1/1", "1/2"}},
		{"within bounds", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1, 2, 3, 4), Alias: 1, Forward: true, Start: wire.Location{Group: 2}, End: wire.Some(wire.Location{Group: 3, Object: math.MaxUint64})})
		}, []string{"1/2", "1/3"}},
		{"cancelled", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1), Alias: 1, Forward: true}).Cancel(wire.ResetCancelled)
		}, nil},
		{"not forwarded", func(t *testing.T, s *deliver.Scheduler) {
			s.Subscribe(deliver.Subscribe{Track: filled(t, "a", 128, 1), Alias: 1})
		}, nil},
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := streams(t, func(s *deliver.Scheduler) { x.prepare(t, s) })
				if !slices.Equal(got, x.want) {
					t.Errorf("got %v, want %v", got, x.want)
				}
			})
		})
	}
}

// TestObjectTimeout: what is older than the delivery timeout is not sent
// (moqt-18 §8), and the counter says so.
func TestObjectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := filled(t, "a", 128, 1)
		time.Sleep(time.Second)
		a, b := transport.MemoryPair("moqt-18")
		var counters deliver.Counters
		s := deliver.New(a, wire.Draft18, deliver.Config{Counters: &counters})
		s.Subscribe(deliver.Subscribe{Track: track, Alias: 1, Forward: true, ObjectTimeout: 500 * time.Millisecond})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- s.Run(ctx) }()
		synctest.Wait()
		cancel()
		<-over
		if counters.Timeouts.Load() != 1 || counters.Streams.Load() != 0 {
			t.Errorf("%d timeouts and %d streams, want 1 and 0", counters.Timeouts.Load(), counters.Streams.Load())
		}
		_ = a.CloseWithError(0, "")
		_ = b.CloseWithError(0, "")
	})
}

// TestFetchBytes: a FETCH response is one stream with a header and the objects
// in order.
func TestFetchBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		track := filled(t, "a", 128, 1, 2)
		a, b := transport.MemoryPair("moqt-18")
		s := deliver.New(a, wire.Draft18, deliver.Config{})
		complete := make(chan bool, 1)
		s.Fetch(deliver.Fetch{Track: track, RequestID: 6, First: wire.Location{Group: 1, Object: 1}, Last: wire.Location{Group: 2}, Done: func(c bool) { complete <- c }})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() { over <- s.Run(ctx) }()
		st, err := b.AcceptUniStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(st)
		if err != nil || !<-complete {
			t.Errorf("not complete, error %v", err)
		}
		var want []byte
		var c wire.FetchCursor
		want = wire.AppendFetchHeader(want, wire.Draft18, &wire.FetchHeader{RequestID: 6})
		for _, l := range []wire.Location{{Group: 1, Object: 1}, {Group: 2}} {
			want = wire.AppendFetchObject(want, wire.Draft18, &c, &wire.FetchObject{Kind: wire.FetchItemObject, Group: l.Group, ID: l.Object, Priority: 128, PayloadLen: 3000})
			want = append(want, make([]byte, 3000)...)
		}
		if !bytes.Equal(all, want) {
			t.Errorf("got %d bytes, want %d", len(all), len(want))
		}
		cancel()
		<-over
		_ = a.CloseWithError(0, "")
	})
}
