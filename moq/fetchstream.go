package moq

import (
	"math"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// receive reads the data stream, whose header has been read.
func (f *Fetch) receive(stream transport.ReceiveStream, in *inbound) error {
	f.mu.Lock()
	over := f.finished || f.stream != nil // one stream per request
	if f.stream == nil {
		f.stream = stream
	}
	f.mu.Unlock()
	if over {
		f.session.stopStream(stream, wire.ResetCancelled)
		return nil
	}
	if x := f.fillOf; x != nil {
		defer x.endStream(in)
		x.beginStream(in)
	}
	filler := f.track.NewFiller()
	err := f.read(filler, in)
	if end := filler.End(); isMalformed(end) && !isMalformed(err) {
		err = end
	}
	if isMalformed(err) {
		f.session.malformed(f.track.Name(), err.Error())
	}
	return f.streamEnd(err)
}

// read inserts what the data stream brings, to its end.
func (f *Fetch) read(filler *live.Filler, in *inbound) error {
	cursor := wire.FetchCursor{Descending: f.order == wire.GroupOrderDescending}
	var last wire.Location
	for {
		o, err := parse(in, func(b []byte) (wire.FetchObject, int, error) {
			return wire.ParseFetchObject(f.session.version, &cursor, b)
		})
		if err != nil {
			return err
		}
		at := wire.Location{Group: o.Group, Object: o.ID}
		switch o.Kind {
		case wire.FetchItemEndUnknown, wire.FetchItemEndTimedOut:
			f.addUnknown(unknownBefore(at, last, cursor.Descending))
		case wire.FetchItemObject:
			if err := f.insert(filler, in, &o); err != nil {
				return err
			}
		}
		last = at.Next()
	}
}

// maxUnknown bounds the ranges that one fetch remembers as unknown.
const maxUnknown = 1024

// addUnknown notes a range that the publisher cannot speak for. Of too many the
// last ones become one, with what is between them: nothing is taken for absent that
// was not said to be.
func (f *Fetch) addUnknown(r live.Range) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.unknown); n == maxUnknown || n > 0 && f.unknown[n-1].To == r.From {
		last := &f.unknown[n-1]
		if r.From.Less(last.From) {
			last.From = r.From
		}
		if last.To.Less(r.To) {
			last.To = r.To
		}
		return
	}
	f.unknown = append(f.unknown, r)
}

// unknownBefore is what an End of Unknown Range at a location covers, when next
// is what follows the item before it; there is none before when next is zero.
// Descending, that is up to the end of the group above.
func unknownBefore(at, next wire.Location, descending bool) live.Range {
	if !descending || at.Group == next.Group {
		return live.Range{From: next, To: at.Next()}
	}
	r := live.Range{From: wire.Location{Group: at.Group}, To: wire.Location{Group: next.Group}}
	if next == (wire.Location{}) {
		r.To = wire.Location{Group: math.MaxUint64} // the range asked for bounds it
	}
	return r
}

// insert moves one object from the stream into the track.
func (f *Fetch) insert(filler *live.Filler, in *inbound, o *wire.FetchObject) error {
	if o.PayloadLen > f.session.config.MaxObjectSize {
		return tooLarge(o.PayloadLen, f.session.config.MaxObjectSize)
	}
	if !f.session.config.Room() {
		return errOverload{}
	}
	properties := append(wire.Properties(nil), o.Properties...)
	if o.Datagram {
		payload, err := in.bytes(o.PayloadLen)
		if err == nil {
			err = f.track.AppendDatagram(wire.Datagram{Group: o.Group, ID: o.ID, Priority: wire.Some(o.Priority), Properties: properties, Payload: payload})
		}
		return err
	}
	err := filler.Begin(o.Group, o.Subgroup, o.Priority, live.ObjectHeader{ID: o.ID, Properties: properties, Size: o.PayloadLen})
	if err != nil {
		return err
	}
	return in.payload(filler, f.session)
}
