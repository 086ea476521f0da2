package whip

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"moqedge/bridge"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// origin is a bridge.Publisher that keeps the tracks it is offered.
type origin struct {
	mu     sync.Mutex
	tracks map[string]*live.Track
}

func (o *origin) AddNamespace(wire.Namespace)    {}
func (o *origin) RemoveNamespace(wire.Namespace) {}

func (o *origin) AddTrack(t *live.Track) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tracks[t.Name().Namespace[0]+"/"+t.Name().Name] = t
}

func (o *origin) RemoveTrack(n wire.FullTrackName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tracks, n.Namespace[0]+"/"+n.Name)
}

// largest is the newest object's place in a track.
func (o *origin) largest(name string) (wire.Location, bool) {
	o.mu.Lock()
	t := o.tracks[name]
	o.mu.Unlock()
	if t == nil {
		return wire.Location{}, false
	}
	return t.Largest()
}

// The whole way into a hub: tracks in both packagings, a name that is taken,
// and a publisher that returns to the same tracks.
func TestRealHub(t *testing.T) {
	t.Parallel()
	o := &origin{tracks: map[string]*live.Track{}}
	hub := bridge.NewHub(o, bridge.Config{})
	t.Cleanup(hub.Close)
	_, url := serve(t, Config{}, hubPublisher{hub})
	media := h264Clip(t)
	names := []string{
		"cam1.msf/catalog", "cam1.msf/video_360_avc", "cam1.msf/audio_opus",
		"cam1.loc/catalog", "cam1.loc/video_360_avc", "cam1.loc/audio_opus",
	}
	grown := func(over map[string]wire.Location) func() bool {
		return func() bool {
			for _, name := range names {
				at, ok := o.largest(name)
				was, known := over[name]
				if !ok || known && at.Group <= was.Group {
					return false
				}
			}
			return true
		}
	}
	client, sender := publish(t, url+"cam1", media, nil)
	stop := sender.start(t)
	eventually(t, "objects in all tracks", grown(nil))

	if resp := request(t, http.MethodPost, url+"cam1", browserOffer, sdpHeader); resp.StatusCode != http.StatusConflict {
		t.Fatalf("the name is taken, but: %s", resp.Status)
	} else if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), "whip") {
		t.Errorf("who holds the name? %q", text)
	}
	if resp := request(t, http.MethodPost, url+".cam", browserOffer, sdpHeader); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("bad name: %s", resp.Status)
	}

	stop()
	if status := client.remove(); status != http.StatusOK {
		t.Fatalf("DELETE: %d", status)
	}
	before := map[string]wire.Location{}
	for _, name := range names {
		before[name], _ = o.largest(name)
	}
	_, again := publish(t, url+"cam1", media, nil)
	again.start(t)
	eventually(t, "higher groups in the same tracks", grown(before))
}
