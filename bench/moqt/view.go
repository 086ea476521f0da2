package moqt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"moqedge/bench/link"
	"moqedge/bench/media"
	"moqedge/bench/tally"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Watch says what a viewer asks for.
type Watch struct {
	Tracks  []int          // of the source
	Numbers *Numbers       // of the source
	Link    *link.Emulator // the viewer's access line; nil: none
	// Timeout is how long after its end a group is of use (SUBGROUP_DELIVERY_TIMEOUT,
	// moqt-18 §8; draft 16 has none). What is old in a group that goes on is wanted: the
	// pictures of now need it. 0: none.
	Timeout time.Duration
}

// View is one viewer, until ctx ends, which is no error. It begins at the group
// that is current, as the player does, and wants the newest group first: who falls
// behind loses the ends of groups instead of getting ever later.
func View(ctx context.Context, s Server, w Watch, to *tally.Viewer) error {
	err := view(ctx, s, w, to)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Batches has the system hand on several packets at once where it can, as viewers of all
// systems do (link.Socket). It is for transport.DialConfig.
func Batches(c *net.UDPConn) transport.BatchReader {
	if s, ok := link.Coalesce(c); ok {
		return s
	}
	return nil
}

func view(ctx context.Context, s Server, w Watch, to *tally.Viewer) error {
	dial := s.Dial
	dial.Batches = Batches
	if w.Link != nil && !w.Link.Link().Clean() {
		socket, err := net.ListenPacket("udp", ":0")
		if err != nil {
			return err
		}
		dial.PacketConn = w.Link.Packets(socket)
		defer dial.PacketConn.Close()
	}
	to.Connecting(time.Now())
	client := moq.Client{URL: s.URL, Dial: dial, Config: moq.Config{Logger: s.Log, Tokens: s.Tokens}}
	session, err := client.Connect(ctx)
	if err != nil {
		return err
	}
	defer session.Wait()
	defer session.Close(wire.SessionNoError, "")
	g, within := errgroup.WithContext(ctx)
	for _, i := range w.Tracks {
		g.Go(func() error {
			if err := watch(within, session, s, w, i, to); err != nil {
				return fmt.Errorf("track %s: %w", s.name(s.Source.Tracks()[i]), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// watch has one track.
func watch(ctx context.Context, session *moq.Session, s Server, w Watch, i int, to *tally.Viewer) error {
	sub, err := session.Subscribe(ctx, s.name(s.Source.Tracks()[i]), moq.SubscribeOptions{
		JoinGroups: wire.Some(uint64(0)),
		JoinFailed: func(error) bool { return false },
		Params:     params(w),
	})
	if err != nil {
		return err
	}
	defer sub.Close()
	from, begun := sub.Largest()
	var joined errgroup.Group
	defer func() { _ = joined.Wait() }()
	joined.Go(func() error {
		group := from.Group
		if begun && !present(ctx, sub.Join()) { // who can not have what was before begins at the next group
			group++
		}
		first, ok := w.Numbers.first(i, group)
		if ok && ctx.Err() == nil {
			to.Joined(i, first)
		}
		return nil
	})
	reader := sub.Track().NewReader(wire.Location{Group: from.Group})
	defer reader.Close()
	for {
		o, err := reader.Next(ctx)
		switch {
		case errors.Is(err, live.ErrClosed):
			return ended(sub.Track().Done())
		case err != nil:
			return err
		case o.Status != wire.ObjectNormal:
			continue
		}
		at := time.Now()
		if n, ok := w.Numbers.Frame(i, o.Group, o.ID); ok {
			to.Complete(i, media.Frame{N: n, Payload: o.Payload()}, at)
		}
	}
}

// ended says how a track ended, in the words of the server.
func ended(d *live.Done) error {
	return fmt.Errorf("the server ended it: %s %q", d.Code, d.Reason)
}

// present reports whether a joining fetch brought what it should.
func present(ctx context.Context, f *moq.Fetch) bool { return f == nil || f.Wait(ctx) == nil }

func params(w Watch) wire.Parameters {
	p := wire.Parameters{GroupOrder: wire.Some(wire.GroupOrderDescending)}
	if w.Timeout > 0 {
		p.SubgroupDeliveryTimeout = wire.Some(w.Timeout)
	}
	return p
}
