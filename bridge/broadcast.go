package bridge

import (
	"fmt"
	"time"

	"moqedge/bridge/codec"
)

// Broadcast is one publication's hold on a name. Its methods, and those of its
// tracks, are safe for concurrent use. Whoever gets one from Hub.Publish must
// Close it.
type Broadcast struct {
	station *station
	done    chan struct{}

	// Guarded by station.mu:
	err        error // why done is closed
	ready      bool
	settled    bool      // its first catalog has been published
	firstMedia time.Time // wall clock
	added      int       // tracks
	claimed    int       // tracks that have an output
	dropped    uint64    // frames not published
	frames     uint64    // that came, of the right size
	bytes      uint64    // of these
}

// AddVideo adds a video track; the first of each kind is the main one.
// Errors: ErrUnsupported, ErrClosed.
func (b *Broadcast) AddVideo(c VideoConfig) (*VideoTrack, error) {
	if !c.Codec.IsVideo() {
		return nil, fmt.Errorf("%w: video codec %v", ErrUnsupported, c.Codec)
	}
	v := &VideoTrack{broadcast: b, codec: c.Codec}
	if _, err := v.sets.Update(c.ParameterSets); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	s := b.station
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != b {
		return nil, ErrClosed
	}
	b.added++
	if o := s.claim(b, c.Codec, nil); o != nil {
		v.adopt(o)
	}
	switch {
	case c.Codec == H264 && v.sets.Complete():
		if err := v.configureH264(); err != nil {
			b.added--
			return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
		}
	case c.Codec == VP8 && v.output == nil && c.Width > 0 && c.Height > 0:
		if err := v.configureVP8(c.Width, c.Height); err != nil {
			b.added--
			return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
		}
	}
	s.settle(b, s.hub.config.Now())
	return v, nil
}

// AddAudio adds an audio track; the first of each kind is the main one.
// Errors: ErrUnsupported, ErrClosed.
func (b *Broadcast) AddAudio(c AudioConfig) (*AudioTrack, error) {
	a := &AudioTrack{broadcast: b, codec: c.Codec}
	var err error
	switch c.Codec {
	case AAC:
		if a.aac, err = codec.ParseAAC(c.ASC); err != nil {
			return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
		}
		if a.aac.Channels == 0 { // the stream says; the ingest may have looked
			a.aac.Channels = c.Channels
		}
		a.rate, a.sampleRate, a.channels = a.aac.CoreRate, a.aac.SampleRate, a.aac.Channels
	case Opus:
		a.rate, a.sampleRate, a.channels = codec.OpusRate, codec.OpusRate, c.Channels
	default:
		return nil, fmt.Errorf("%w: audio codec %v", ErrUnsupported, c.Codec)
	}
	init, err := a.initSegment()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, err)
	}
	s := b.station
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != b {
		return nil, ErrClosed
	}
	b.added++
	b.claimed++
	a.output = s.claim(b, c.Codec, func() *output {
		return s.newOutput("audio_"+c.Codec.String(), c.Codec, priorityAudio)
	})
	a.describe(init)
	s.settle(b, s.hub.config.Now())
	return a, nil
}

// Ready says that all tracks are added: the catalog is published as soon as
// their parameters are known, at the latest 2 s after the first media. Without
// Ready that happens 300 ms after the first media.
func (b *Broadcast) Ready() {
	s := b.station
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == b {
		b.ready = true
		s.settle(b, s.hub.config.Now())
	}
}

// Close gives the name up: its tracks wait for Config.Grace for the publisher
// to return. reason is for the log; nil and io.EOF mean an orderly end.
func (b *Broadcast) Close(reason error) {
	b.station.mu.Lock()
	defer b.station.mu.Unlock()
	b.station.release(b, reason)
}

// Done is closed when the broadcast has ended: by Close, by the hub, or by an
// error of Write.
func (b *Broadcast) Done() <-chan struct{} { return b.done }

// Err returns why the broadcast has ended: the reason given to Close (io.EOF
// for nil), the error of Write, or ErrClosed for the hub; nil while it lives.
func (b *Broadcast) Err() error {
	b.station.mu.Lock()
	defer b.station.mu.Unlock()
	return b.err
}

// begin notes that media has come. The caller holds the station's mu.
func (b *Broadcast) begin() error {
	if b.station.current != b {
		return ErrClosed
	}
	if b.firstMedia.IsZero() {
		b.firstMedia = b.station.hub.config.Now()
	}
	return nil
}

// count counts a frame, and ends the broadcast when it is too large. The caller holds
// the station's mu.
func (b *Broadcast) count(size int) error {
	limit := b.station.hub.config.MaxObjectSize
	if size <= limit {
		b.frames++
		b.bytes += uint64(size)
		return nil
	}
	err := fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, size, limit)
	b.station.release(b, err)
	return err
}

// fail ends the broadcast because its tracks cannot be written. The caller
// holds the station's mu.
func (b *Broadcast) fail(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("publishing media: %w", err)
	b.station.release(b, err)
	return err
}
