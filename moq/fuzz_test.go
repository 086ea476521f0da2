package moq_test

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// FuzzSession feeds a session, client or server, of each draft with bytes on
// streams. It must not panic, nor leave a goroutine behind (the bubble says so),
// nor be kept from ending or idling, nor take more memory than has arrived and
// some for each stream. The seeds are in testdata/fuzz: what real sessions said to
// each other (see TestConversations).
func FuzzSession(f *testing.F) {
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<16 {
			return
		}
		c := readConversation(in)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		synctest.Test(t, func(t *testing.T) { c.replay(t) })
		runtime.ReadMemStats(&after)
		// A session makes some 5 MiB of garbage to begin with, and each of its
		// streams has a buffer and an object of up to 64 KiB that has begun.
		bound := uint64(16<<20 + 64*len(in) + (128<<10)*c.streams())
		if took := after.TotalAlloc - before.TotalAlloc; took > bound {
			t.Errorf("%d bytes made the session allocate %d KiB, the bound is %d KiB", len(in), took>>10, bound>>10)
		}
	})
}

// replay says to a session what a conversation holds. The session is over at the end.
func (c *conversation) replay(t *testing.T) (end error) {
	theirs, mine := transport.MemoryConfig{Protocol: c.version.String(), MaxStreams: 64, MaxUniStreams: 64}.Pair()
	if c.client {
		theirs, mine = mine, theirs
	}
	made := make(chan *moq.Session, 1)
	go func() {
		s, err := moq.NewSession(context.Background(), mine, conversing())
		if err != nil {
			s = nil
		}
		made <- s
	}()
	p := &speaker{conn: theirs, opened: map[stream]transport.SendStream{}, accepted: make(chan transport.Stream, 64)}
	go p.accept()
	go p.drain()
	synctest.Wait()
	talking := false
	for _, s := range c.said {
		p.say(s)
		synctest.Wait()
		if !talking {
			select {
			case s := <-made:
				made <- s
				if talking = true; s != nil {
					talk(s)
				}
			default:
			}
		}
	}
	end = context.Cause(theirs.Context())
	time.Sleep(5 * time.Minute) // longer than all timeouts
	synctest.Wait()
	_ = theirs.CloseWithError(0, "")
	if s := <-made; s != nil {
		s.Wait()
	}
	return end
}

// speaker is the peer that a conversation is said by. It reads all and heeds nothing.
type speaker struct {
	conn     transport.Conn
	opened   map[stream]transport.SendStream
	accepted chan transport.Stream // of the session, in their order
	taken    []transport.Stream
}

// say does one thing, unless that is impossible.
func (p *speaker) say(s said) {
	if s.on.kind == datagram {
		_ = p.conn.SendDatagram(s.bytes)
		return
	}
	out := p.stream(s.on)
	if out == nil {
		return
	}
	_ = out.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = out.Write(s.bytes)
	switch s.end {
	case fin:
		_ = out.Close()
	case reset:
		out.Reset(uint64(wire.ResetCancelled))
	case stop:
		if both, ok := out.(transport.Stream); ok && s.on.kind != uni {
			both.Stop(uint64(wire.ResetCancelled))
		}
	}
}

// stream returns a stream, which is opened when it is not there; nil when there
// can be none.
func (p *speaker) stream(on stream) transport.SendStream {
	if on.kind == theirs {
		for len(p.taken) <= on.number {
			select {
			case s := <-p.accepted:
				p.taken = append(p.taken, s)
			default:
				return nil
			}
		}
		return p.taken[on.number]
	}
	if s := p.opened[on]; s != nil {
		return s
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var out transport.SendStream
	var err error
	if on.kind == uni {
		out, err = p.conn.OpenUniStream(ctx)
	} else {
		var s transport.Stream
		if s, err = p.conn.OpenStream(ctx); err == nil {
			out = s
			go discard(s)
		}
	}
	if err != nil {
		return nil
	}
	p.opened[on] = out
	return out
}

// accept takes the requests of the session.
func (p *speaker) accept() {
	for {
		s, err := p.conn.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go discard(s)
		p.accepted <- s
	}
}

// drain takes its data.
func (p *speaker) drain() {
	for {
		s, err := p.conn.AcceptUniStream(context.Background())
		if err != nil {
			return
		}
		go discard(s)
	}
}

func discard(s transport.ReceiveStream) {
	b := make([]byte, 4096)
	for {
		if _, err := s.Read(b); err != nil {
			return
		}
	}
}

// conversing configures both sides of a conversation: each has a track, publishes
// and takes what the other publishes.
func conversing() moq.Config {
	h := newAccepting()
	w, err := h.track.OpenSubgroup(live.SubgroupInfo{Group: 3, Priority: 128, FirstObject: true})
	if err == nil {
		for id := range uint64(3) {
			_ = w.Append(live.WholeObject{ID: id, Payload: []byte("payload")})
		}
		_ = w.Close()
	}
	h.AddNamespace(wire.Namespace{"test"})
	return moq.Config{Handler: h, Logger: slog.New(slog.DiscardHandler), MaxTokenCache: 1000, Implementation: "fuzz"}
}

// talk makes one request of each kind, in the same order each time.
func talk(s *moq.Session) {
	ctx := context.Background()
	into := live.NewTrack(clock, live.Options{})
	fetched := live.NewTrack(name("fetched"), live.Options{})
	published := live.NewTrack(name("published"), live.Options{})
	subscribed := make(chan *moq.Subscription, 1)
	for _, ask := range []func(){
		func() {
			sub, _ := s.Subscribe(ctx, clock, moq.SubscribeOptions{Into: into, JoinGroups: wire.Some(uint64(1))})
			subscribed <- sub
		},
		func() {
			_ = s.Fetch(moq.FetchOptions{Into: fetched, First: wire.Location{}, Last: wire.Location{Group: 5}}).Wait(ctx)
		},
		func() { _, _ = s.TrackStatus(ctx, clock) },
		func() { _, _ = s.Publish(ctx, published, moq.PublishOptions{}) },
		func() { _, _ = s.PublishNamespace(ctx, wire.Namespace{"mine"}) },
		func() { _, _ = s.SubscribeNamespace(ctx, wire.Namespace{"te"}, forgetful{}) },
		func() { _, _ = s.SubscribeTracks(ctx, wire.Namespace{"te"}, wire.Parameters{}, nil) },
		func() { // at last, so that the other requests have their IDs whenever the answer comes
			if sub := <-subscribed; sub != nil {
				_ = sub.Update(ctx, wire.Parameters{SubscriberPriority: wire.Some(uint8(9))})
			}
		},
	} {
		go ask()
		synctest.Wait() // requests are numbered by their order
	}
}

type forgetful struct{}

func (forgetful) NamespaceAdded(wire.Namespace)   {}
func (forgetful) NamespaceRemoved(wire.Namespace) {}
