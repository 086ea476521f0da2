package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// soakLoad is everybody who talks to the relays of a soak. Its goroutines end
// with close.
type soakLoad struct {
	command *soakCommand
	places  [2]place // of the upstream, and of the relay under test
	ctx     context.Context
	cancel  context.CancelFunc
	tasks   sync.WaitGroup
	quiet   context.CancelFunc // ends what is published, and who comes and goes
	coming  context.Context

	tracks  []*live.Track
	publish sync.WaitGroup
	viewers []*viewer
	failed  chan error // holds one
	seconds int

	came, published atomic.Uint64
	paused          atomic.Int64 // the longest time for which this process got no turn, in nanoseconds
}

// What is published: soakGroup objects in a group, one each soakPeriod.
const (
	soakGroup  = 10
	soakPeriod = 100 * time.Millisecond
	soakObject = 2_500
)

func soakTrack(k int) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"soak", fmt.Sprintf("stays-%d", k)}, Name: "video"}
}

// newSoakLoad connects publishers to the upstream and those who stay to the relay.
// The load has to be closed, whatever is returned.
func newSoakLoad(ctx context.Context, c *soakCommand, places [2]place) (*soakLoad, error) {
	l := &soakLoad{command: c, places: places, failed: make(chan error, 1)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.coming, l.quiet = context.WithCancel(l.ctx)
	l.tasks.Go(l.watchTurns)
	for k := range c.tracks {
		t := live.NewTrack(soakTrack(k), live.Options{RetainFor: 15 * time.Second})
		l.tracks = append(l.tracks, t)
		origin := moq.NewOrigin()
		origin.AddTrack(t)
		origin.AddNamespace(t.Name().Namespace)
		dial, err := places[0].dial()
		if err != nil {
			return l, err
		}
		client := moq.Client{
			URL: places[0].url(overQUIC), Dial: dial, MaxBackoff: 500 * time.Millisecond,
			Config:    moq.Config{Handler: origin, Logger: slog.New(slog.DiscardHandler)},
			Connected: origin.Announce, Failed: func(error) {}, // it is killed now and then
		}
		l.tasks.Go(func() { client.Run(l.ctx) })
		l.publish.Go(func() { publishGroups(l.coming, t) })
	}
	for i := range c.stay {
		v := newViewer([]string{overQUIC, overWebTransport}[i%2])
		if err := v.join(l, l.tracks[i%c.tracks].Name()); err != nil {
			return l, fmt.Errorf("subscriber %d: %w", i, err)
		}
		l.viewers = append(l.viewers, v)
		l.tasks.Go(func() { l.fail(v.watch(l.ctx)) })
	}
	return l, nil
}

// watchTurns notes for how long this process did not run when it wanted to. On a
// machine that is busy with other things that explains what else seems to be the
// relay's fault: sessions are lost, and groups are left to who falls behind.
func (l *soakLoad) watchTurns() {
	const period = 50 * time.Millisecond
	tick := time.NewTicker(period)
	defer tick.Stop()
	for before := time.Now(); ; {
		select {
		case <-tick.C:
		case <-l.ctx.Done():
			return
		}
		now := time.Now()
		if late := int64(now.Sub(before) - period); late > l.paused.Load() {
			l.paused.Store(late)
		}
		before = now
	}
}

func (l *soakLoad) fail(err error) {
	if err != nil && l.ctx.Err() == nil {
		select {
		case l.failed <- err:
		default:
		}
	}
}

// close has all leave.
func (l *soakLoad) close() {
	l.cancel()
	l.publish.Wait()
	l.tasks.Wait()
}

// publishGroups writes whole groups until ctx is done.
func publishGroups(ctx context.Context, t *live.Track) {
	tick := time.NewTicker(soakPeriod)
	defer tick.Stop()
	for group := uint64(0); ctx.Err() == nil; group++ {
		w, err := t.OpenSubgroup(live.SubgroupInfo{Group: group, Priority: wire.DefaultPriority, EndOfGroup: true, FirstObject: true})
		if err != nil {
			return
		}
		for id := range uint64(soakGroup) {
			<-tick.C
			if w.Append(live.WholeObject{ID: id, Payload: make([]byte, soakObject)}) != nil {
				return
			}
		}
		if w.Close() != nil {
			return
		}
	}
}

// second has some come.
func (l *soakLoad) second() {
	l.seconds++
	n := l.seconds
	for i := range l.command.come {
		l.tasks.Go(func() {
			var socket net.PacketConn
			if i == 0 && n%5 == 0 {
				var err error
				if socket, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
					l.fail(err)
					return
				}
				defer socket.Close()
			}
			if l.visit([]string{overQUIC, overWebTransport}[i%2], socket) == nil {
				l.came.Add(1)
			}
		})
	}
	l.tasks.Go(func() {
		if l.brief(n) == nil {
			l.published.Add(1)
		}
	})
}

// visit watches a track for a few seconds, and leaves in one of the ways there
// are; with a socket of its own by closing that, which nobody tells the relay.
func (l *soakLoad) visit(over string, socket net.PacketConn) error {
	s, err := l.session(1, over, nil, socket)
	if err != nil {
		return err
	}
	sub, err := s.Subscribe(l.coming, l.tracks[rand.IntN(len(l.tracks))].Name(), moq.SubscribeOptions{JoinGroups: wire.Some(uint64(0))})
	if err == nil {
		l.stay(time.Second + rand.N(4*time.Second))
		if rand.IntN(2) == 0 {
			sub.Close()
			l.stay(time.Second)
		}
	}
	if socket != nil {
		socket.Close()
	}
	s.Close(wire.SessionNoError, "")
	s.Wait()
	return err
}

// brief is a publisher with a namespace and a track of its own, and somebody who
// watches that. Neither can be while the upstream is away.
func (l *soakLoad) brief(n int) error {
	name := wire.FullTrackName{Namespace: wire.Namespace{"soak", fmt.Sprintf("brief-%d", n)}, Name: "video"}
	origin := moq.NewOrigin()
	t := live.NewTrack(name, live.Options{})
	origin.AddTrack(t)
	p, err := l.session(0, overQUIC, origin, nil)
	if err != nil {
		return err
	}
	defer p.Wait()
	defer p.Close(wire.SessionNoError, "")
	if n%2 == 0 {
		if _, err = p.Publish(l.coming, t, moq.PublishOptions{}); err != nil {
			return err
		}
	} else if _, err = p.PublishNamespace(l.coming, name.Namespace); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(l.coming, 4*time.Second)
	defer cancel()
	var publishing sync.WaitGroup
	publishing.Go(func() { publishGroups(ctx, t) })
	defer publishing.Wait()
	defer cancel()
	s, err := l.session(1, overQUIC, nil, nil)
	if err != nil {
		return err
	}
	defer s.Wait()
	defer s.Close(wire.SessionNoError, "")
	sub, err := s.Subscribe(ctx, name, moq.SubscribeOptions{Params: wire.Parameters{RendezvousTimeout: wire.Some(2 * time.Second)}})
	if err != nil {
		return err
	}
	r := sub.Track().NewReader(wire.Location{})
	defer r.Close()
	for range 2 * soakGroup {
		if _, err := r.Next(ctx); err != nil {
			return err
		}
	}
	if n%3 == 0 {
		t.Close(wire.DoneTrackEnded, "")
	}
	return nil
}

// stay waits, unless it is to become quiet.
func (l *soakLoad) stay(d time.Duration) {
	select {
	case <-time.After(d):
	case <-l.coming.Done():
	}
}

// session connects to the upstream (0) or to the relay under test (1), from a
// socket unless that is nil.
func (l *soakLoad) session(at int, over string, h moq.Handler, socket net.PacketConn) (*moq.Session, error) {
	dial, err := l.places[at].dial()
	if err != nil {
		return nil, err
	}
	dial.PacketConn = socket
	ctx, cancel := context.WithTimeout(l.coming, 10*time.Second)
	defer cancel()
	conn, err := transport.Dial(ctx, l.places[at].url(over), &dial)
	if err != nil {
		return nil, err
	}
	return moq.NewSession(ctx, conn, moq.Config{Handler: h, Logger: slog.New(slog.DiscardHandler)})
}

// newest is the group that is being published.
func (l *soakLoad) newest() uint64 {
	at, _ := l.tracks[0].Largest()
	return at.Group
}

// conclude ends all publishing and waits until those who stayed have all of it.
// It counts what they have.
//
// Before that it waits until groups come as they are published, should the
// upstream just have been killed. A group that was published meanwhile is fetched,
// and a FETCH response does not say that no object of its last group is to come:
// were that the last one of the track, relays would keep its streams open, and
// rightly so. Once those who stayed have what is published, all that is published
// from then on comes by subscriptions, the next group from its first object on.
func (l *soakLoad) conclude(ctx context.Context) (groups, objects uint64, err error) {
	if _, err := l.complete(ctx, 0); err != nil {
		return 0, 0, err
	}
	if _, err := l.complete(ctx, 1); err != nil {
		return 0, 0, err
	}
	l.quiet()
	l.publish.Wait()
	groups, err = l.complete(ctx, 0)
	return groups, groups * soakGroup, err
}

// complete waits until those who stay have all groups up to the newest, or to
// some that follow it, and counts what they have.
func (l *soakLoad) complete(ctx context.Context, ahead uint64) (groups uint64, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, drainTimeout, errors.New("objects are missing"))
	defer cancel()
	last := make([]uint64, len(l.tracks))
	for k, t := range l.tracks {
		at, _ := t.Largest()
		last[k] = at.Group + ahead
	}
	var errs []error
	for i, v := range l.viewers {
		k := i % len(l.tracks)
		g, err := v.complete(ctx, last[k])
		if err != nil {
			errs = append(errs, fmt.Errorf("subscriber %d (%s, track %d): %w", i, v.over, k, err))
		}
		groups += g
	}
	select {
	case err := <-l.failed: // which explains what is missing
		errs = append(errs, err)
	default:
	}
	return groups, errors.Join(errs...)
}
