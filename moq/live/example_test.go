package live_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

var name = wire.FullTrackName{Namespace: wire.Namespace{"example"}, Name: "words"}

// appendGroup appends a group with one object per word.
func appendGroup(t *live.Track, group uint64, words ...string) error {
	w, err := t.OpenSubgroup(live.SubgroupInfo{
		Group: group, Priority: wire.DefaultPriority, EndOfGroup: true, FirstObject: true,
	})
	if err != nil {
		return err
	}
	for i, word := range words {
		// The track owns the payload from here on.
		if err := w.Append(live.WholeObject{ID: uint64(i), Payload: []byte(word)}); err != nil {
			return err
		}
	}
	return w.Close() // the group is whole
}

// A track is appended once and read by any number of readers.
func ExampleTrack() {
	track := live.NewTrack(name, live.Options{})
	err := errors.Join(
		appendGroup(track, 0, "media", "over"),
		appendGroup(track, 1, "quic"),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	track.Close(wire.DoneTrackEnded, "")

	reader := track.NewReader(wire.Location{})
	defer reader.Close()
	for {
		o, err := reader.Next(context.Background())
		if errors.Is(err, live.ErrClosed) {
			fmt.Println(track.Done().Code)
			return
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %s\n", o.Location(), o.Payload())
	}
	// Output:
	// 0/0 media
	// 0/1 over
	// 1/0 quic
	// TRACK_ENDED
}

// copyObject appends an object while its payload arrives: it is sent on before
// it is complete.
func copyObject(w *live.SubgroupWriter, h live.ObjectHeader, from io.Reader) error {
	if err := w.Begin(h); err != nil {
		return err
	}
	for {
		b := w.Buffer()
		if len(b) == 0 {
			return nil // h.Size bytes were committed
		}
		n, err := from.Read(b)
		w.Commit(n)
		if err != nil && n == 0 {
			w.Interrupt()
			return err
		}
	}
}

// The payload of an object may be written as it arrives.
func ExampleSubgroupWriter_Begin() {
	track := live.NewTrack(name, live.Options{})
	w, err := track.OpenSubgroup(live.SubgroupInfo{Group: 7, Priority: wire.DefaultPriority, FirstObject: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	payload := "a key frame of many packets"
	if err := copyObject(w, live.ObjectHeader{ID: 0, Size: uint64(len(payload))}, strings.NewReader(payload)); err != nil {
		fmt.Println(err)
		return
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(track.Largest())
	// Output:
	// 7/0 true
}

// A walk gives a range as a FETCH response does, and tells what does not exist
// from what the track cannot speak for.
func ExampleTrack_NewWalk() {
	track := live.NewTrack(name, live.Options{})
	// The track was subscribed to when group 2 began.
	track.Forget(live.Range{To: wire.Location{Group: 2}})
	if err := appendGroup(track, 2, "hello", "world"); err != nil {
		fmt.Println(err)
		return
	}
	walk := track.NewWalk(wire.Location{Group: 1}, wire.Location{Group: 2, Object: 1}, false)
	for {
		step, o, upTo := walk.Next()
		switch step {
		case live.StepObject:
			fmt.Printf("%s %s\n", o.Location(), o.Payload())
		case live.StepUnknown:
			fmt.Println("unknown before group", upTo.Next().Group)
		case live.StepEnd:
			return
		default: // StepWait: somebody is fetching it, see Track.Listen
			fmt.Println("step", step)
			return
		}
	}
	// Output:
	// unknown before group 2
	// 2/0 hello
	// 2/1 world
}
