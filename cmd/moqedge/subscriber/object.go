package subscriber

import (
	"fmt"
	"strings"
	"time"

	"moqedge/cmd/moqedge/names"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/wire"
)

// Object is what is said about one object.
type Object struct {
	Namespace string `json:"namespace"`
	Track     string `json:"track"`
	Group     uint64 `json:"group"`
	Subgroup  uint64 `json:"subgroup"`
	Object    uint64 `json:"object"`
	Datagram  bool   `json:"datagram,omitempty"`
	Status    uint64 `json:"status"` // moqt-18 §11.2.1.1; 0 is normal
	Priority  uint8  `json:"priority"`
	Size      uint64 `json:"size"` // bytes of payload
	// Received is when its first byte arrived, microseconds since the Unix epoch.
	Received int64 `json:"received"`
	// Timestamp is that of LOC, microseconds since the Unix epoch, and
	// LatencyMs how much later the object arrived; absent for others.
	Timestamp *int64   `json:"timestamp,omitempty"`
	LatencyMs *float64 `json:"latencyMs,omitempty"`
}

// newObject describes an object of a track.
func newObject(track wire.FullTrackName, o *live.Object) Object {
	out := Object{
		Namespace: names.Namespace(track.Namespace), Track: names.Name(track.Name),
		Group: o.Group, Subgroup: o.Subgroup, Object: o.ID, Datagram: o.Datagram,
		Status: uint64(o.Status), Priority: o.Priority, Size: o.Size, Received: o.Arrived.UnixMicro(),
	}
	h, err := loc.ParseProperties(o.Properties)
	if err != nil || h.Timescale != 0 || h.Timestamp > maxTimestamp {
		return out // not LOC, or its clock is not the wall clock
	}
	captured := int64(h.Timestamp)
	latency := float64(out.Received-captured) / 1000
	out.Timestamp, out.LatencyMs = &captured, &latency
	return out
}

// maxTimestamp is a wall clock far in the future.
const maxTimestamp = 1 << 60

// String is a line for people.
func (o Object) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s group=%d object=%d subgroup=%d priority=%d size=%d", o.Namespace, o.Track, o.Group, o.Object, o.Subgroup, o.Priority, o.Size)
	if o.Datagram {
		b.WriteString(" datagram")
	}
	if o.Status != 0 {
		fmt.Fprintf(&b, " status=%d", o.Status)
	}
	if o.LatencyMs != nil {
		fmt.Fprintf(&b, " time=%s latency=%.1fms", time.UnixMicro(*o.Timestamp).UTC().Format("15:04:05.000"), *o.LatencyMs)
	}
	return b.String()
}
