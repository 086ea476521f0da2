package bridge

import (
	"time"

	"moqedge/moq/live"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

// catalogTrack is the catalog of a name in one packaging; guarded by the
// station's mu.
type catalogTrack struct {
	track *live.Track
	group uint64 // of the next catalog
}

func newCatalogTrack(ns wire.Namespace, first uint64, now func() time.Time) catalogTrack {
	name := wire.FullTrackName{Namespace: ns, Name: msf.TrackName}
	return catalogTrack{live.NewTrack(name, live.Options{Now: now}), first}
}

// write publishes a full catalog: the only object of a new group (MSF "Catalog").
func (c *catalogTrack) write(payload []byte) error {
	w, err := c.track.OpenSubgroup(live.SubgroupInfo{Group: c.group, Priority: priorityCatalog, EndOfGroup: true, FirstObject: true})
	if err != nil {
		return err
	}
	c.group++
	if err := w.Append(live.WholeObject{Payload: payload}); err != nil {
		return err
	}
	return w.Close()
}

// writeCatalogs publishes the catalogs of all packagings. The caller holds the
// station's mu.
func (s *station) writeCatalogs() {
	s.dirty = false
	now := s.hub.config.Now()
	for p := range s.catalogs {
		text, err := msf.Append(nil, s.catalog(packaging(p), now))
		if err == nil {
			err = s.catalogs[p].write(text)
		}
		if err != nil {
			s.log.Error("catalog not published", "track", s.catalogs[p].track.Name().String(), "error", err)
		}
	}
}

// catalog describes the outputs that are configured.
func (s *station) catalog(p packaging, now time.Time) msf.Catalog {
	c := msf.Catalog{GeneratedAt: now.UnixMilli()}
	for i, o := range s.outputs {
		t, init := o.inCatalog(p)
		t.TargetLatency = int(s.hub.config.TargetLatency.Milliseconds())
		// Every track is alone in its alternate group: an ingest brings one quality.
		t.AltGroup = i + 1
		c.Tracks = append(c.Tracks, t)
		if init != nil {
			c.InitDataList = append(c.InitDataList, *init)
		}
	}
	return c
}

func endCode(away bool) (wire.PublishDoneCode, string) {
	if away {
		return wire.DoneGoingAway, "the publisher is shutting down"
	}
	return wire.DoneTrackEnded, "the publisher is gone"
}

// catalogNumbers remembers where the catalogs of ended names go on: group ids
// of a track never come back (MSF "Group numbering"). It is bounded; a name
// that was forgotten starts at 0 again.
type catalogNumbers struct {
	nextGroup map[string]uint64
	order     []string // of nextGroup, oldest first
}

const maxCatalogNumbers = 1024

func (n *catalogNumbers) next(name string) uint64 { return n.nextGroup[name] }

func (n *catalogNumbers) remember(name string, next uint64) {
	if n.nextGroup == nil {
		n.nextGroup = make(map[string]uint64)
	}
	if _, known := n.nextGroup[name]; !known {
		if len(n.order) == maxCatalogNumbers {
			delete(n.nextGroup, n.order[0])
			n.order = n.order[1:]
		}
		n.order = append(n.order, name)
	}
	n.nextGroup[name] = next
}
