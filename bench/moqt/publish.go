package moqt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"moqedge/bench/media"
	"moqedge/bench/tally"
	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// Server is where the tracks of a source are, or come to be.
type Server struct {
	URL  string               // moqt:// or https://
	Dial transport.DialConfig // how it is known, and which drafts it is offered
	// Namespace of all tracks; the number of the client that publishes them is added.
	Namespace wire.Namespace
	Source    media.Source
	// Start is when the schedule of the source begins.
	Start time.Time
	// Tokens are sent in SETUP.
	Tokens []wire.Token
	Log    *slog.Logger // nil: slog.Default
}

// name of a track.
func (s *Server) name(t media.Track) wire.FullTrackName {
	return wire.FullTrackName{Namespace: s.space(t.Client), Name: t.Name}
}

func (s *Server) space(client int) wire.Namespace {
	return append(s.Namespace[:len(s.Namespace):len(s.Namespace)], "client-"+strconv.Itoa(client))
}

// Publisher has the clients that publish, each with a session of its own.
type Publisher struct {
	server  Server
	clients map[int]*client
	late    tally.Histogram
}

type client struct {
	number  int
	session *moq.Session
	indices []int         // of its tracks in the source
	tracks  []*live.Track // by index in the source, nil for those of others
}

// priorities of publishers; sound is worth more than pictures, as the bridge has it.
const (
	prioritySound = 64
	priorityOther = wire.DefaultPriority
)

// Publish connects all clients and announces their namespaces. Close has to be
// called, unless there is an error.
func Publish(ctx context.Context, s Server) (*Publisher, error) {
	p := &Publisher{server: s, clients: map[int]*client{}}
	all := s.Source.Tracks()
	for i, t := range all {
		c := p.clients[t.Client]
		if c == nil {
			c = &client{number: t.Client, tracks: make([]*live.Track, len(all))}
			p.clients[t.Client] = c
		}
		c.indices = append(c.indices, i)
		c.tracks[i] = live.NewTrack(s.name(t), live.Options{})
	}
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(dialing)
	for _, c := range p.clients {
		g.Go(func() error { return p.connect(within, c) })
	}
	if err := g.Wait(); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// dialing is how many clients connect at the same time.
const dialing = 16

func (p *Publisher) connect(ctx context.Context, c *client) error {
	origin := moq.NewOrigin()
	for _, i := range c.indices {
		origin.AddTrack(c.tracks[i])
	}
	m := moq.Client{URL: p.server.URL, Dial: p.server.Dial, Config: moq.Config{Handler: origin, Logger: p.server.Log, Tokens: p.server.Tokens}}
	s, err := m.Connect(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	c.session = s
	if _, err := s.PublishNamespace(ctx, p.server.space(c.number)); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Draft is the version that the server speaks with the publisher.
func (p *Publisher) Draft() wire.Version {
	for _, c := range p.clients {
		return c.session.Version()
	}
	return 0
}

// Run writes each frame at its time until ctx ends, which is no error.
func (p *Publisher) Run(ctx context.Context) error {
	g, within := errgroup.WithContext(ctx)
	for _, c := range p.clients {
		g.Go(func() error { return p.write(within, c) })
	}
	return g.Wait()
}

// Lateness is by how much frames were written after they were due, since the last
// call.
func (p *Publisher) Lateness() tally.Quantiles { return p.late.Take() }

// Close ends the sessions.
func (p *Publisher) Close() {
	for _, c := range p.clients {
		for _, i := range c.indices {
			c.tracks[i].Close(wire.DoneTrackEnded, "")
		}
		if c.session != nil {
			c.session.Close(wire.SessionNoError, "")
			c.session.Wait()
		}
	}
}

func (p *Publisher) write(ctx context.Context, c *client) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	places := make([]place, len(c.tracks))
	defer func() {
		for _, at := range places {
			if at.writer != nil {
				_ = at.writer.Close()
			}
		}
	}()
	for frames := media.NewSequence(p.server.Source, c.indices); ; {
		i, f, ok := frames.Next()
		if !ok {
			return nil
		}
		due := p.server.Start.Add(f.Due)
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-c.session.Context().Done():
			return fmt.Errorf("the publisher's session ended: %w", context.Cause(c.session.Context()))
		case <-ctx.Done():
			return nil
		}
		p.late.Add(time.Since(due))
		if err := places[i].append(c.tracks[i], p.server.Source.Tracks()[i], f, due); err != nil {
			return fmt.Errorf("track %s: %w", c.tracks[i].Name(), err)
		}
	}
}

// place is where in a track its next object goes.
type place struct {
	writer *live.SubgroupWriter // of the group that is open; nil: none
	object uint64
}

func (p *place) append(to *live.Track, t media.Track, f media.Frame, due time.Time) error {
	priority := uint8(priorityOther)
	if t.Kind == media.Audio {
		priority = prioritySound
	}
	if f.Key {
		p.object = 0
	}
	id := p.object
	p.object++
	properties := loc.AppendProperties(nil, loc.Header{Timestamp: uint64(due.UnixMicro())})
	if t.Datagrams {
		return to.AppendDatagram(wire.Datagram{Group: f.Group, ID: id, Priority: wire.Some(priority), EndOfGroup: f.Last, Properties: properties, Payload: f.Payload})
	}
	if f.Key {
		if p.writer != nil {
			return errors.New("a group begins within another one")
		}
		w, err := to.OpenSubgroup(live.SubgroupInfo{Group: f.Group, Priority: priority, HasProperties: true, EndOfGroup: true, FirstObject: true})
		if err != nil {
			return err
		}
		p.writer = w
	}
	err := p.writer.Append(live.WholeObject{ID: id, Properties: properties, Payload: f.Payload})
	if err == nil && f.Last {
		err = p.writer.Close()
		p.writer = nil
	}
	return err
}
