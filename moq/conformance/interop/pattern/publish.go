package pattern

import (
	"context"
	"fmt"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// Write appends a whole group to a live track.
func (t Track) Write(track *live.Track, group uint64) error {
	if t == Datagrams {
		objects := t.Group(group)
		for i, o := range objects {
			err := track.AppendDatagram(wire.Datagram{
				Group: group, ID: o.ID, Priority: wire.Some(o.Priority), EndOfGroup: i == len(objects)-1, Payload: o.Payload,
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	objects := t.Group(group)
	shape := t.shape()
	for i, s := range shape {
		w, err := track.OpenSubgroup(live.SubgroupInfo{
			Group: group, ID: s.id, Priority: s.priority, HasProperties: t == Gaps,
			EndOfGroup: i == len(shape)-1, FirstObject: true,
		})
		if err != nil {
			return fmt.Errorf("group %d, subgroup %d: %w", group, s.id, err)
		}
		for _, o := range objects {
			if o.Subgroup != s.id {
				continue
			}
			if err := w.Append(live.WholeObject{ID: o.ID, Properties: o.Properties, Payload: o.Payload}); err != nil {
				return fmt.Errorf("object %d/%d: %w", group, o.ID, err)
			}
		}
		if err := w.Close(); err != nil {
			return fmt.Errorf("group %d, subgroup %d: %w", group, s.id, err)
		}
	}
	return nil
}

// Publish writes groups from 0 on, one each interval, until ctx is done.
func (t Track) Publish(ctx context.Context, track *live.Track, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for group := uint64(0); ; group++ {
		if err := t.Write(track, group); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
