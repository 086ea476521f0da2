package lab

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"moqedge/bench/bare"
	"moqedge/bench/media"
	"moqedge/bench/moqt"
	"moqedge/bench/sfu"
	"moqedge/bench/tally"
	"moqedge/moq/transport"
)

// nobody publishes: the server has the frames. When it writes them late that is not
// the load's doing, and latency has it, as its clock is the schedule.
type nobody struct{}

func (nobody) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (nobody) Lateness() tally.Quantiles { return tally.Quantiles{} }

// overBare receives what a bare loop sends.
func (l *loadRole) overBare() error {
	at := l.config.Last
	dial, err := at.dial(bare.Version.String())
	if err != nil {
		return err
	}
	packets, config := l.config.System.packets()
	numbers := moqt.NewNumbers(l.source)
	l.sender = nobody{}
	l.view = func(ctx context.Context, w watcher) error {
		got := (&joiner{numbers: numbers, to: w.to, joined: map[int]bool{}}).got
		if packets {
			return catch(ctx, w, at, config.Encrypt, got)
		}
		dial := dial
		dial.Batches = moqt.Batches
		if !w.line.Link().Clean() {
			conn, err := net.ListenPacket("udp", ":0")
			if err != nil {
				return err
			}
			dial.PacketConn = w.line.Packets(conn)
			defer dial.PacketConn.Close()
		}
		w.to.Connecting(time.Now())
		c, err := transport.Dial(ctx, at.URL, &dial)
		if err == nil {
			err = bare.Watch(ctx, c, uint64(w.number), got)
		}
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return nil
}

// catch receives packets.
func catch(ctx context.Context, w watcher, at Place, encrypted bool, got func(bare.Object)) error {
	server, err := net.ResolveUDPAddr("udp4", strings.TrimPrefix(at.URL, "udp://"))
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	sfu.EnlargeBuffers(conn)
	socket := w.line.Packets(conn)
	defer socket.Close()
	w.to.Connecting(time.Now())
	return bare.Catch(ctx, socket, server, uint64(w.number), encrypted, got)
}

// joiner notes what a viewer of a bare loop gets: of each track from the first object
// on that begins a group.
type joiner struct {
	numbers *moqt.Numbers
	to      *tally.Viewer

	mu     sync.Mutex
	joined map[int]bool // by track
}

func (j *joiner) got(o bare.Object) {
	at := time.Now()
	n, ok := j.numbers.Frame(o.Track, o.Group, o.ID)
	if !ok {
		return
	}
	j.mu.Lock()
	if !j.joined[o.Track] && o.ID == 0 {
		j.joined[o.Track] = true
		j.to.Joined(o.Track, n)
	}
	begun := j.joined[o.Track]
	j.mu.Unlock()
	if begun {
		j.to.Complete(o.Track, media.Frame{N: n, Payload: o.Payload}, at)
	}
}
