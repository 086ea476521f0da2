package pattern

import (
	"context"
	"strings"
	"testing"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

func name(t Track) wire.FullTrackName {
	return wire.FullTrackName{Namespace: wire.Namespace{"pattern"}, Name: string(t)}
}

// TestReceive: what Write makes is what Receive takes.
func TestReceive(t *testing.T) {
	for _, track := range Tracks() {
		l := live.NewTrack(name(track), live.Options{RetainGroups: 10})
		for g := range uint64(4) {
			if err := track.Write(l, g); err != nil {
				t.Fatal(err)
			}
		}
		r := l.NewReader(wire.Location{Group: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		first, err := track.Receive(ctx, r, 3, Allow{})
		cancel()
		r.Close()
		if err != nil || first != 1 {
			t.Errorf("%s: got first group %d, %v", track, first, err)
		}
	}
}

// TestCheck: what is not as published is found.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		what     string
		group    uint64
		id       uint64
		sub      uint64
		priority uint8
		change   func(o *live.WholeObject)
		want     string
	}{
		{"as published", 3, 5, 0, 10, func(*live.WholeObject) {}, ""},
		{"other payload", 3, 5, 0, 10, func(o *live.WholeObject) { o.Payload[7] ^= 1 }, "payload"},
		{"longer payload", 3, 5, 0, 10, func(o *live.WholeObject) { o.Payload = append(o.Payload, 'x') }, "payload"},
		{"other priority", 3, 5, 0, 11, func(*live.WholeObject) {}, "priority"},
		{"no properties", 3, 5, 0, 10, func(o *live.WholeObject) { o.Properties = nil }, "properties"},
		{"other subgroup", 3, 5, 2, 10, func(*live.WholeObject) {}, "subgroup"},
		{"unknown object", 3, 5, 0, 10, func(o *live.WholeObject) { o.ID = 6 }, "no object 6"},
		{"a status", 3, 5, 0, 10, func(o *live.WholeObject) { o.Status, o.Payload = wire.ObjectEndOfGroup, nil }, "status"},
	} {
		l := live.NewTrack(name(Gaps), live.Options{})
		w, err := l.OpenSubgroup(live.SubgroupInfo{Group: c.group, ID: c.sub, Priority: c.priority, HasProperties: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range Gaps.Group(c.group) {
			if o.ID != c.id {
				continue
			}
			whole := live.WholeObject{ID: o.ID, Properties: o.Properties, Payload: o.Payload}
			c.change(&whole)
			if whole.Status != wire.ObjectNormal {
				whole.Properties = nil
			}
			if err := w.Append(whole); err != nil {
				t.Fatal(err)
			}
		}
		r := l.NewReader(wire.Location{})
		o, err := r.Next(t.Context())
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		err = Gaps.Check(o, Allow{})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
}
