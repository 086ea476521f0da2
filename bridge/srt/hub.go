package srt

import "moqedge/bridge"

// The bridge as this package uses it. Interfaces, so that tests can record.

// publisher claims names.
type publisher interface {
	publish(name string, from bridge.Ingest) (publication, error)
}

// publication is the hold on a name.
type publication struct {
	tracks tracks
	// close gives the name up; nil means an orderly end.
	close func(reason error)
	// done is closed when the hub has ended the publication.
	done <-chan struct{}
}

// tracks is where the media of a publication goes.
type tracks interface {
	addVideo(bridge.VideoConfig) (videoTrack, error)
	addAudio(bridge.AudioConfig) (audioTrack, error)
	ready()
}

type videoTrack interface{ Write(bridge.VideoUnit) error }

type audioTrack interface{ Write(bridge.AudioUnit) error }

// hubPublisher is the real thing.
type hubPublisher struct{ hub *bridge.Hub }

func (h hubPublisher) publish(name string, from bridge.Ingest) (publication, error) {
	b, err := h.hub.Publish(name, from)
	if err != nil {
		return publication{}, err
	}
	return publication{tracks: broadcast{b}, close: b.Close, done: b.Done()}, nil
}

type broadcast struct{ b *bridge.Broadcast }

func (b broadcast) addVideo(c bridge.VideoConfig) (videoTrack, error) {
	v, err := b.b.AddVideo(c)
	if err != nil {
		return nil, err // a nil *VideoTrack would be a non-nil interface
	}
	return v, nil
}

func (b broadcast) addAudio(c bridge.AudioConfig) (audioTrack, error) {
	a, err := b.b.AddAudio(c)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (b broadcast) ready() { b.b.Ready() }
