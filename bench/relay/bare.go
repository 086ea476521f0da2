package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"moqedge/bench/bare"
	"moqedge/certs"
)

// bareRole is what a relay is compared with: package bare, which writes the bytes
// that a relay would write to as many connections, and nothing else.
type bareRole struct {
	source  *certs.Source
	loop    *bare.Loop
	config  bareConfig
	profile profile

	stop    chan struct{} // nil while nothing is sent
	groups  []uint64      // by track: which comes next; each is its sender's
	senders sync.WaitGroup
	written atomic.Uint64 // objects, by all tracks
}

// bareConfig says what to send.
type bareConfig struct {
	Transport string `json:"transport"`
	Profile   string `json:"profile"`
	Tracks    int    `json:"tracks"` // connections are dealt out to them
	// Hold keeps connections and does nothing with them.
	Hold bool `json:"hold,omitempty"`
}

// Handle implements process.Role.
func (b *bareRole) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandListen && b.loop == nil:
		if err := json.Unmarshal(args, &b.config); err != nil {
			return nil, err
		}
		return b.listen()
	case command == commandBegin && b.loop != nil:
		b.begin()
		return nil, nil
	case command == commandPause && b.loop != nil:
		b.pause()
		return nil, nil
	case command == commandSample:
		return sample{Published: b.written.Load()}, nil
	}
	return nil, fmt.Errorf("the bare loop can not do %q", command)
}

func (b *bareRole) listen() (place, error) {
	var err error
	if b.profile, err = findProfile(b.config.Profile); err != nil {
		return place{}, err
	}
	if b.source, err = certs.Development("", nil, slog.New(slog.DiscardHandler)); err != nil {
		return place{}, err
	}
	n := uint64(b.config.Tracks)
	if b.loop, err = bare.Listen(bare.Config{
		GetCertificate: b.source.GetCertificate,
		WebTransport:   b.config.Transport == overWebTransport,
		Tracks:         func(client uint64) []int { return []int{int(client % n)} },
		Hold:           b.config.Hold,
	}); err != nil {
		return place{}, errors.Join(err, b.source.Close())
	}
	return placeOf(b.loop.Addr().String(), b.source), nil
}

func (b *bareRole) begin() {
	if b.stop != nil {
		return
	}
	stop := make(chan struct{})
	b.stop = stop
	if b.groups == nil {
		b.groups = make([]uint64, b.config.Tracks)
	}
	for k := range b.config.Tracks {
		b.senders.Go(func() { b.send(k, stop) })
	}
}

func (b *bareRole) pause() {
	if b.stop != nil {
		close(b.stop)
		b.stop = nil
		b.senders.Wait()
	}
}

// send writes a track to its connections.
func (b *bareRole) send(k int, stop <-chan struct{}) {
	var e bare.Encoder
	b.groups[k] = b.profile.each(k, b.config.Tracks, b.groups[k], stop, func(group, id uint64) {
		b.loop.Give(e.Piece(b.profile.object(k, group, id)))
		b.written.Add(1)
	})
	b.loop.Give(bare.Piece{Track: k, Last: true})
}

// object is one of a track, with the time in it.
func (p profile) object(track int, group, id uint64) bare.Object {
	return bare.Object{Track: track, Group: group, ID: id, Last: id == uint64(p.Group)-1, Datagram: p.Datagram, Payload: newPayload(p.Size)}
}

// Close implements process.Role.
func (b *bareRole) Close() error {
	if b.loop == nil {
		return nil
	}
	b.pause()
	return errors.Join(b.loop.Close(), b.source.Close())
}
