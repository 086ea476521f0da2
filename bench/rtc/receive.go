package rtc

import (
	"context"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// packetReader takes the packets of one track in the order in which they come. The
// packet is its own until it returns.
type packetReader func(p *rtp.Packet, now time.Time)

// receiver is a peer that is sent media. It has two goroutines for each track, which
// end when the peer connection is closed; leave waits for them.
type receiver struct {
	*peer
	options Options
	// track is called with the first packet of a track, one at a time, and says who
	// reads it; nil is nobody.
	track func(*webrtc.TrackRemote, *webrtc.RTPReceiver) packetReader

	mu      sync.Mutex
	ended   bool // guarded by mu; no reader starts any more
	readers sync.WaitGroup
}

// newReceiver makes a peer that offers to receive a track for each of video, which
// says whether it is one of pictures or of sound. The caller ends it with leave.
func newReceiver(o Options, video []bool, track func(*webrtc.TrackRemote, *webrtc.RTPReceiver) packetReader) (*receiver, error) {
	p, err := newPeer(o, webrtc.RTPTransceiverDirectionRecvonly)
	if err != nil {
		return nil, err
	}
	r := &receiver{peer: p, options: o, track: track}
	p.OnTrack(r.onTrack)
	for _, v := range video {
		kind := webrtc.RTPCodecTypeAudio
		if v {
			kind = webrtc.RTPCodecTypeVideo
		}
		_, err := p.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		if err != nil {
			_ = p.GracefulClose()
			return nil, err
		}
	}
	return r, nil
}

// stay waits until ctx ends, which is no error, or the connection fails.
func (r *receiver) stay(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.failed:
		return ErrConnection
	}
}

// leave ends the session and waits for the readers. What the server says to it is
// logged alone: who leaves has what they came for.
func (r *receiver) leave(ctx context.Context) {
	if err := r.peer.leave(ctx); err != nil {
		r.options.Log.Debug("left", "error", err)
	}
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.readers.Wait()
}

// onTrack is called by pion with the first packet of a track.
func (r *receiver) onTrack(remote *webrtc.TrackRemote, from *webrtc.RTPReceiver) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	take := r.track(remote, from)
	if take == nil {
		return
	}
	r.readers.Go(func() { read(remote, take) })
	r.readers.Go(func() { drain(from) })
}

// read takes packets until the track ends.
func read(remote *webrtc.TrackRemote, take packetReader) {
	buf := make([]byte, receiveMTU)
	var p rtp.Packet
	for bad := 0; bad < maxReadErrors; {
		n, _, err := remote.Read(buf)
		if isEnd(err) {
			return
		}
		p = rtp.Packet{}
		if err != nil || p.Unmarshal(buf[:n]) != nil {
			bad++
			continue
		}
		bad = 0
		take(&p, time.Now())
	}
}

// drain reads RTCP, which pion's interceptors see on the way.
func drain(from *webrtc.RTPReceiver) {
	buf := make([]byte, receiveMTU)
	for bad := 0; bad < maxReadErrors; bad++ {
		if _, _, err := from.Read(buf); isEnd(err) {
			return
		} else if err == nil {
			bad = 0
		}
	}
}
