package bridge

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"sync"
	"testing"

	"github.com/Eyevinn/mp4ff/mp4"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

var _ Publisher = (*moq.Origin)(nil)

// fakePublisher records what it is offered, and all objects of the tracks.
type fakePublisher struct {
	mu         sync.Mutex
	events     []string
	namespaces []string
	tracks     map[string]*collector // all there ever were, newest per name
	offered    map[string]bool
}

// collector keeps the objects of a track beyond what the track retains.
type collector struct {
	track   *live.Track
	reader  *live.Reader
	objects []*live.Object
}

func newFakePublisher() *fakePublisher {
	return &fakePublisher{tracks: make(map[string]*collector), offered: make(map[string]bool)}
}

func (p *fakePublisher) AddNamespace(ns wire.Namespace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, "+"+ns[0])
	p.namespaces = append(p.namespaces, ns[0])
}

func (p *fakePublisher) RemoveNamespace(ns wire.Namespace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, "-"+ns[0])
	p.namespaces = slices.DeleteFunc(p.namespaces, func(n string) bool { return n == ns[0] })
}

func key(n wire.FullTrackName) string { return n.Namespace[0] + "/" + n.Name }

func (p *fakePublisher) AddTrack(t *live.Track) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := key(t.Name())
	p.events = append(p.events, "+"+k)
	p.tracks[k] = &collector{track: t, reader: t.NewReader(wire.Location{})}
	p.offered[k] = true
}

func (p *fakePublisher) RemoveTrack(n wire.FullTrackName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, "-"+key(n))
	delete(p.offered, key(n))
}

// takeEvents returns what has been offered and withdrawn since it was called last.
func (p *fakePublisher) takeEvents() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	events := p.events
	p.events = nil
	return events
}

// track returns the track's collector with all objects up to now.
func (p *fakePublisher) track(t *testing.T, name string) *collector {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.tracks[name]
	if c == nil {
		t.Fatalf("no track %s among %v", name, p.offered)
	}
	c.drain()
	return c
}

func (c *collector) drain() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		o, err := c.reader.Next(now)
		if err != nil {
			return
		}
		c.objects = append(c.objects, o)
	}
}

// take returns the objects that came since it was called last.
func (p *fakePublisher) take(t *testing.T, name string) []*live.Object {
	t.Helper()
	c := p.track(t, name)
	objects := c.objects
	c.objects = nil
	return objects
}

// lastCatalog returns the newest catalog of a namespace, and its group.
func (p *fakePublisher) lastCatalog(t *testing.T, namespace string) (msf.Catalog, uint64) {
	t.Helper()
	objects := p.track(t, namespace+"/catalog").objects
	if len(objects) == 0 {
		t.Fatalf("no catalog in %s", namespace)
	}
	last := objects[len(objects)-1]
	c, err := msf.Parse(last.Payload())
	if err != nil {
		t.Fatalf("%s: %v", last.Payload(), err)
	}
	return c, last.Group
}

func locations(objects []*live.Object) []wire.Location {
	var all []wire.Location
	for _, o := range objects {
		all = append(all, o.Location())
	}
	return all
}

// header reads the LOC properties of an object.
func header(t *testing.T, o *live.Object) loc.Header {
	t.Helper()
	h, err := loc.ParseProperties(o.Properties)
	if err != nil {
		t.Fatalf("object %v: %v", o.Location(), err)
	}
	return h
}

// decodeBoxes parses boxes and demands that nothing is left over.
func decodeBoxes(t *testing.T, b []byte) *mp4.File {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(b))
	if err != nil || f.Size() != uint64(len(b)) {
		t.Fatalf("%d bytes of boxes: %v", len(b), err)
	}
	return f
}

// fragment reads the only sample of a CMAF object.
func fragment(t *testing.T, o *live.Object) mp4.FullSample {
	t.Helper()
	if len(o.Properties) > 0 {
		t.Errorf("CMAF object %v has properties %x", o.Location(), o.Properties)
	}
	f := decodeBoxes(t, o.Payload())
	if len(f.Segments) != 1 || len(f.Segments[0].Fragments) != 1 {
		t.Fatalf("object %v is not one fragment", o.Location())
	}
	samples, err := f.Segments[0].Fragments[0].GetFullSamples(nil)
	if err != nil || len(samples) != 1 {
		t.Fatalf("object %v: %d samples, %v", o.Location(), len(samples), err)
	}
	return samples[0]
}

// Parameter sets of x264: main 640x360 and high 1920x1080.
const (
	sps360  = "674d401eeca05017fcb80880000003008000001e078b16cb"
	pps360  = "68ef8fc8"
	sps1080 = "67640028acd940780227e5c044000003000400000300c83c60c658"
	pps1080 = "68ef8fcb"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sets360(t testing.TB) [][]byte  { return [][]byte{unhex(t, sps360), unhex(t, pps360)} }
func sets1080(t testing.TB) [][]byte { return [][]byte{unhex(t, sps1080), unhex(t, pps1080)} }

// idr and delta are pictures; the bridge does not look inside slices.
func idr(sets [][]byte) [][]byte {
	return append(append([][]byte{{0x09, 0xf0}}, sets...), []byte{0x65, 1, 2, 3})
}

func delta() [][]byte { return [][]byte{{0x41, 4, 5}} }
