package srt

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gosrt "github.com/datarhei/gosrt"
)

// Why a connection ends, besides the errors of its media.
var (
	errServerClosed = errors.New("the server is shutting down")
	errHubClosed    = errors.New("the hub ended the publication")
	errReplaced     = errors.New("another publisher took over: this one had sent nothing for over a second")
	errLost         = errors.New("lost: no packet from the publisher for 5s")
)

// driftWarning is how much longer than agreed the receive buffer must keep
// packets for the log to say so.
const driftWarning = 500 * time.Millisecond

// conn is one accepted publisher. run is its goroutine and owns media, received and stats;
// the watching goroutine and the server only call end and silent. Both
// goroutines end when the link does.
type conn struct {
	config Config
	name   string
	pub    publication
	link   gosrt.Conn
	log    *slog.Logger
	began  time.Time
	// release ends what watches over the permission; the server calls it after run.
	release  func()
	media    *session
	received uint64           // bytes
	stats    gosrt.Statistics // as of the last look

	heard    atomic.Int64 // when media last came, as a time.Duration since began
	playing  atomic.Bool  // a programme plays
	once     sync.Once
	reason   error         // why end was called; valid once ended is closed
	ended    chan struct{} // closed by end
	finished chan struct{} // closed by the server when the name is free again
}

// end closes the link for a reason. It may be called from any goroutine.
func (c *conn) end(reason error) {
	c.once.Do(func() {
		c.reason = reason
		close(c.ended)
		c.link.Close()
	})
}

// silent is how long no media has come.
func (c *conn) silent() time.Duration {
	return time.Since(c.began) - time.Duration(c.heard.Load())
}

// run serves the connection until it ends.
func (c *conn) run() {
	c.log.Info("SRT publisher connected")
	c.media = newSession(c.pub.tracks, c.log, func() { c.playing.Store(true) })
	var watch sync.WaitGroup
	watch.Go(c.watch)
	c.feed()
	watch.Wait()
	c.close()
}

// feed is run until there is a reason for the end. A panic is one.
func (c *conn) feed() {
	defer c.config.Panicked.Catch(c.log, c.end)
	err := c.read()
	if err == nil {
		err = c.media.finish()
	}
	if err == nil {
		// The link closed: by end, by the peer, or by the library for silence.
		err = io.EOF
		if c.silent() >= peerIdle-time.Second {
			err = errLost
		}
	}
	c.end(err)
}

// close gives the name up and says how it was.
func (c *conn) close() {
	defer c.config.Panicked.Catch(c.log, c.pub.close)
	s, reason := c.media, c.reason
	if !s.playing && !errors.Is(reason, errServerClosed) {
		reason = fmt.Errorf("%w; %s", reason, nothingPlayed(s, c.received))
	}
	text := reason.Error()
	if reason == io.EOF {
		text = "closed by the publisher"
	}
	args := []any{"reason", text, "after", time.Since(c.began).Round(time.Millisecond), "bytes", c.received}
	if s.demux.Damage.Total()+s.broken > 0 {
		args = append(args, s.damageArgs()...)
	}
	if a := c.stats.Accumulated; a.PktRecvLoss > 0 {
		args = append(args, "srtLost", a.PktRecvLoss, "srtRetransmitted", a.PktRecvRetrans, "srtDropped", a.PktRecvDrop)
	}
	if s.resyncs > 0 {
		args = append(args, "timestampJumps", s.resyncs)
	}
	c.log.Info("SRT publisher left", args...)
	c.pub.close(reason)
}

// nothingPlayed says what was wrong with a stream that never played.
func nothingPlayed(s *session, received uint64) string {
	if received == 0 {
		return "it sent nothing"
	}
	if left := s.omitted(); len(left) > 0 {
		return "it has nothing playable: " + strings.Join(left, ", ")
	}
	return "no programme (PAT and PMT) was found in what it sent"
}

// read feeds the session until the link closes (no error) or the media makes
// going on impossible.
func (c *conn) read() error {
	var kept hold
	drifted := false
	var asked time.Time
	for {
		p, err := c.link.ReadPacket()
		if err != nil {
			return nil
		}
		now := c.config.Now()
		if now.Sub(asked) >= holdEvery {
			asked = now
			c.link.Stats(&c.stats)
			kept.update(now, &c.stats)
			if !drifted && kept.excess() > driftWarning {
				drifted = true
				c.log.Warn("the clocks of publisher and server have drifted apart: SRT keeps packets longer than agreed until the publisher connects again",
					"agreedMilliseconds", c.stats.Instantaneous.MsRecvTsbPdDelay, "excess", kept.excess())
			}
		}
		c.received += p.Len()
		c.heard.Store(int64(time.Since(c.began)))
		err = c.media.push(p.Data(), now.UnixMicro(), kept.micros())
		p.Decommission()
		if err != nil {
			return err
		}
	}
}

// watch ends the connection when a limit passes or the hub wants it to end.
func (c *conn) watch() {
	defer c.config.Panicked.Catch(c.log, c.end)
	handshake := time.NewTimer(c.config.HandshakeLimit)
	defer handshake.Stop()
	silence := time.NewTimer(c.config.SilenceLimit)
	defer silence.Stop()
	for {
		select {
		case <-c.ended:
			return
		case <-c.pub.done:
			c.end(errHubClosed)
			return
		case <-handshake.C:
			if !c.playing.Load() {
				c.end(fmt.Errorf("nothing plays after %v", c.config.HandshakeLimit))
				return
			}
		case <-silence.C:
			left := c.config.SilenceLimit - c.silent()
			if left <= 0 {
				c.end(fmt.Errorf("no media for %v", c.config.SilenceLimit))
				return
			}
			silence.Reset(left)
		}
	}
}
