package whip

import "moqedge/bridge"

// publisher is where publications go; a fake in tests.
type publisher interface {
	publish(name string, from bridge.Ingest) (publication, error)
}

// publication is a *bridge.Broadcast.
type publication interface {
	addVideo(bridge.VideoConfig) (videoTrack, error)
	addAudio(bridge.AudioConfig) (audioTrack, error)
	Ready()
	Close(reason error)
	Done() <-chan struct{}
}

// videoTrack is a *bridge.VideoTrack.
type videoTrack interface {
	Write(bridge.VideoUnit) error
}

// audioTrack is a *bridge.AudioTrack.
type audioTrack interface {
	Write(bridge.AudioUnit) error
}

// hubPublisher gives a hub the shape of a publisher.
type hubPublisher struct{ hub *bridge.Hub }

func (h hubPublisher) publish(name string, from bridge.Ingest) (publication, error) {
	b, err := h.hub.Publish(name, from)
	if err != nil {
		return nil, err
	}
	return broadcast{b}, nil
}

type broadcast struct{ *bridge.Broadcast }

func (b broadcast) addVideo(c bridge.VideoConfig) (videoTrack, error) {
	t, err := b.AddVideo(c)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (b broadcast) addAudio(c bridge.AudioConfig) (audioTrack, error) {
	t, err := b.AddAudio(c)
	if err != nil {
		return nil, err
	}
	return t, nil
}
