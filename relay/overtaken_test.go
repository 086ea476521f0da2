package relay_test

import (
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// TestOvertakenGroup: of a group whose stream comes to the relay behind that of a
// newer one, a fetch up to the newer one says nothing wrong: it waits for a moment.
// What does not come then does not exist.
func TestOvertakenGroup(t *testing.T) {
	for _, late := range []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Hour} {
		bubble(t, func(t *testing.T) {
			r := newRelay(t, relay.Config{})
			p := newPeer(t, r, camera.Namespace)
			put := func(group uint64) {
				w, err := p.track.OpenSubgroup(live.SubgroupInfo{Group: group, EndOfGroup: true, FirstObject: true})
				if err == nil {
					err = w.Append(live.WholeObject{Payload: []byte{byte(group)}})
				}
				if err == nil {
					err = w.Close()
				}
				if err != nil {
					t.Error(err)
				}
			}
			if _, err := connect(t, r, wire.Draft18, moq.Config{}).Subscribe(t.Context(), camera, moq.SubscribeOptions{}); err != nil {
				t.Fatal(err)
			}
			for group := range uint64(9) {
				put(group)
				time.Sleep(50 * time.Millisecond)
			}
			put(10)
			time.Sleep(time.Millisecond)
			if late < time.Second {
				time.AfterFunc(late, func() { put(9) })
			}
			into := live.NewTrack(camera, live.Options{RetainGroups: 100})
			began := time.Now()
			sub, err := connect(t, r, wire.Draft18, moq.Config{}).Subscribe(t.Context(), camera, moq.SubscribeOptions{
				Into: into, CatchUp: wire.Some(wire.Location{Group: 8}),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := sub.Join().Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			want := []uint64{8, 9, 10}
			if late > time.Second {
				want = []uint64{8, 10}
			}
			var got []uint64
			for walk := into.NewWalk(wire.Location{Group: 8}, wire.Location{Group: 10}, false); ; {
				step, o, _ := walk.Next()
				if step != live.StepObject {
					break
				}
				got = append(got, o.Group)
			}
			if len(got) != len(want) {
				t.Errorf("%v late: got groups %v, want %v", late, got, want)
			}
			if took > time.Second/2 {
				t.Errorf("%v late: the fetch took %v", late, took)
			}
		})
	}
}
