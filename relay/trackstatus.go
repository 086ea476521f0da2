package relay

import (
	"moqedge/moq/deliver"
)

// TrackStatus is how a track stands that a relay has now. What it counts begins anew
// when nobody has used the track for a while. Its strings come from peers: quote them.
type TrackStatus struct {
	Name        string `json:"name"`        // printable (moqt-18 §1.5)
	Subscribers int    `json:"subscribers"` // served now
	// Publishers is from how many it comes now, relays included, From which: names of
	// links, and addresses of publishers that are connected here.
	Publishers int      `json:"publishers"`
	From       []string `json:"from"`
	// Largest is the newest location; not there while none is known.
	Largest *TrackLocation `json:"largest,omitempty"`
	// BytesIn is the payload that publishers sent, what was fetched besides excepted.
	BytesIn    uint64 `json:"bytesIn"`
	BytesOut   uint64 `json:"bytesOut"` // to its subscribers, headers included
	ObjectsOut uint64 `json:"objectsOut"`
	// GroupsSkipped is how many its subscribers did not get to their end.
	GroupsSkipped uint64 `json:"groupsSkipped"`
	// CachedBytes of memory, and CachedGroups, are what is kept.
	CachedBytes  uint64 `json:"cachedBytes"`
	CachedGroups int    `json:"cachedGroups"`
}

// TrackLocation is the place of an object in a track.
type TrackLocation struct {
	Group  uint64 `json:"group"`
	Object uint64 `json:"object"`
}

// delivered adds up what was sent by subscriptions that are over.
type delivered struct{ bytes, objects, skipped uint64 }

func (d *delivered) add(x deliver.Sent) {
	d.bytes += x.Bytes
	d.objects += x.Objects
	d.skipped += x.GroupsSkipped
}

// serve notes where to read what a subscription was sent.
func (u *use) serve(sent func() deliver.Sent) {
	u.entry.mu.Lock()
	defer u.entry.mu.Unlock()
	u.sent = sent
}

// subscribers counts who is served the track.
func (e *trackEntry) subscribers() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for u := range e.uses {
		if u.sent != nil {
			n++
		}
	}
	return n
}

// status tells how the track stands, whose printable name is given.
func (e *trackEntry) status(name string) TrackStatus {
	s := TrackStatus{Name: name, From: []string{}, BytesIn: e.live.Came()}
	s.CachedBytes, s.CachedGroups = e.live.Size()
	if l := largest(e.live); l.Set {
		s.Largest = &TrackLocation{l.Value.Group, l.Value.Object}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.providers() {
		from := f.session.Conn().Info().RemoteAddr.String()
		if f.link != nil {
			from = f.link.name()
		}
		s.From = append(s.From, from)
	}
	s.Publishers = len(s.From)
	sent := e.sent
	for u := range e.uses {
		if u.sent != nil {
			sent.add(u.sent())
			s.Subscribers++
		}
	}
	s.BytesOut, s.ObjectsOut, s.GroupsSkipped = sent.bytes, sent.objects, sent.skipped
	return s
}
