package lab

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"moqedge/bench/bare"
	"moqedge/bench/media"
	"moqedge/bench/process"
	"moqedge/bench/sfu"
	"moqedge/certs"
	"moqedge/moq/loc"
)

// Bare loops: servers that have the frames themselves and do nothing but send them,
// see package bare. What a system needs beyond them is its own doing.
const (
	BareUDP          System = "udp"               // a system call for each packet, not encrypted
	BareUDPSegments  System = "udp-gso"           // up to 44 packets by a system call
	BareUDPEncrypted System = "udp-gso-aes"       // likewise, encrypted by AES-128-GCM
	BareQUIC         System = "bare-quic"         // quic-go alone
	BareWebTransport System = "bare-webtransport" // webtransport-go alone
)

// Ceilings lists the bare loops.
func Ceilings() []System {
	return []System{BareUDP, BareUDPSegments, BareUDPEncrypted, BareQUIC, BareWebTransport}
}

// Bare reports whether a system is a bare loop.
func (s System) Bare() bool { return slices.Contains(Ceilings(), s) }

// packets reports whether a bare loop is of UDP, and how it sends.
func (s System) packets() (ok bool, c bare.PacketsConfig) {
	c.Segments, c.Encrypt = s != BareUDP, s == BareUDPEncrypted
	return s == BareUDP || s == BareUDPSegments || s == BareUDPEncrypted, c
}

// bareConfig says what a bare loop is to send.
type bareConfig struct {
	System System `json:"system"`
	Plan   Plan   `json:"plan"`
}

// commandSend has a bare loop send, by the schedule that begins at a time. It is
// the load's wall clock: both are on one machine.
const commandSend = "send"

// bareRole is a bare loop with the source.
type bareRole struct {
	source  media.Source
	certs   *certs.Source // nil for UDP
	packets *bare.Packets // or
	loop    *bare.Loop
	sending sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

func newBareRole() *bareRole {
	b := &bareRole{}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Handle implements process.Role.
func (b *bareRole) Handle(command string, args json.RawMessage) (any, error) {
	switch {
	case command == commandListen && b.source == nil:
		var c bareConfig
		if err := json.Unmarshal(args, &c); err != nil {
			return nil, err
		}
		return b.listen(c)
	case command == commandSend && b.source != nil:
		var start time.Time
		if err := json.Unmarshal(args, &start); err != nil {
			return nil, err
		}
		b.sending.Go(func() { b.send(start) })
		return nil, nil
	}
	return nil, fmt.Errorf("the bare loop can not do %q", command)
}

func (b *bareRole) listen(c bareConfig) (at Place, err error) {
	r, err := c.Plan.ready()
	if err != nil {
		return at, err
	}
	tracks := func(client uint64) []int {
		if client >= uint64(r.Viewers) {
			return nil
		}
		return media.Wanted(r.source.Tracks(), int(client), r.Viewers)
	}
	if ok, config := c.System.packets(); ok {
		config.Tracks = tracks
		if config.Conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return at, err
		}
		sfu.EnlargeBuffers(config.Conn)
		if b.packets, err = bare.NewPackets(config); err != nil {
			return at, errors.Join(err, config.Conn.Close())
		}
		b.source, at.URL = r.source, "udp://"+b.packets.Addr().String()
		return at, nil
	}
	if b.certs, err = certs.Development("", nil, slog.New(slog.DiscardHandler)); err != nil {
		return at, err
	}
	b.loop, err = bare.Listen(bare.Config{
		GetCertificate: b.certs.GetCertificate, WebTransport: c.System == BareWebTransport, Tracks: tracks, Numbered: true,
	})
	if err != nil {
		return at, errors.Join(err, b.certs.Close())
	}
	f := b.certs.Fingerprint()
	b.source, at = r.source, Place{URL: "moqt://" + b.loop.Addr().String(), Fingerprint: hex.EncodeToString(f[:])}
	if c.System == BareWebTransport {
		at.URL = overWebTransport(at.URL)
	}
	return at, nil
}

// send writes all frames when they are due, the bytes that a publisher of package
// moqt would have a relay send.
func (b *bareRole) send(start time.Time) {
	all := b.source.Tracks()
	indices := make([]int, len(all))
	for i := range all {
		indices[i] = i
	}
	encoders, ids := make([]bare.Encoder, len(all)), make([]uint64, len(all))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for frames := media.NewSequence(b.source, indices); ; {
		i, f, ok := frames.Next()
		if !ok {
			return
		}
		due := start.Add(f.Due)
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-b.ctx.Done():
			return
		}
		if f.Key {
			ids[i] = 0
		}
		o := bare.Object{
			Track: i, Group: f.Group, ID: ids[i], Last: f.Last, Datagram: all[i].Datagrams,
			Properties: loc.AppendProperties(nil, loc.Header{Timestamp: uint64(due.UnixMicro())}), Payload: f.Payload,
		}
		ids[i]++
		if b.packets != nil {
			b.packets.Send(o)
		} else {
			b.loop.Give(encoders[i].Piece(o))
		}
	}
}

// Close implements process.Role.
func (b *bareRole) Close() error {
	b.cancel()
	switch {
	case b.packets != nil:
		b.sending.Wait()
		return b.packets.Close()
	case b.loop != nil:
		b.sending.Wait()
		return errors.Join(b.loop.Close(), b.certs.Close())
	}
	return nil
}

// bare starts the process of a bare loop.
func (r ready) bare(ctx context.Context, s System) ([]*process.Child, Place, Place, error) {
	var at Place
	c, err := startRole(ctx, roleBare, commandListen, bareConfig{System: s, Plan: r.Plan}, &at)
	if err != nil {
		return nil, at, at, err
	}
	return []*process.Child{c}, at, at, nil
}
