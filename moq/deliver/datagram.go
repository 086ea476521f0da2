package deliver

import (
	"slices"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// datagrams are the objects that a subscription is about to send as datagrams,
// the most urgent first.
type datagrams struct {
	subscription *Subscription
	waiting      []*live.Object
	message      wire.Datagram // being encoded
}

// maxDatagrams is how many objects of a subscription wait for a network that
// takes none; then the oldest is dropped for each that comes.
const maxDatagrams = 1024

// A receiver keeps few datagrams that it has not read yet, quic-go 128, and drops the
// others: of those that a fetch brought to a relay, or a burst, no more than maxVolley
// are sent in volleyTime.
const (
	maxVolley  = 64
	volleyTime = 2 * time.Millisecond
)

// volley counts the datagrams of a session that were sent since it began.
type volley struct {
	began time.Time
	sent  int
}

// rest is when the next datagram may be sent; zero when that is now.
func (v *volley) rest(now time.Time) (until time.Time) {
	switch end := v.began.Add(volleyTime); {
	case !now.Before(end):
		v.began, v.sent = now, 0
	case v.sent >= maxVolley:
		return end
	}
	return until
}

func (d *datagrams) add(o *live.Object) {
	if len(d.waiting) >= maxDatagrams {
		oldest := 0
		for i, o := range d.waiting {
			if o.Arrived.Before(d.waiting[oldest].Arrived) {
				oldest = i
			}
		}
		d.waiting = slices.Delete(d.waiting, oldest, oldest+1)
		d.subscription.scheduler.config.Counters.DatagramsDropped.Add(1)
	}
	i := len(d.waiting)
	for i > 0 && d.placeOf(o).before(d.placeOf(d.waiting[i-1])) {
		i--
	}
	d.waiting = slices.Insert(d.waiting, i, o)
}

func (d *datagrams) placeOf(o *live.Object) place {
	p := &d.subscription.params
	return place{subscriber: p.Priority, publisher: o.Priority, kind: kindDatagram, order: p.Order, group: o.Group, id: o.ID}
}

// usable reports whether one can be sent now.
func (d *datagrams) usable(now time.Time) bool {
	if len(d.waiting) == 0 {
		return false
	}
	s := d.subscription.scheduler
	if s.posting {
		s.starve()
		return false
	}
	until := s.volley.rest(now)
	if !until.IsZero() {
		s.wakeAt(until)
	}
	return until.IsZero()
}

func (d *datagrams) place() place { return d.placeOf(d.waiting[0]) }

// step sends one object.
func (d *datagrams) step(now time.Time) error {
	o := d.waiting[0]
	d.waiting = slices.Delete(d.waiting, 0, 1)
	if err := d.send(o, now); err != nil {
		return err
	}
	if len(d.waiting) == 0 {
		d.subscription.conclude()
	}
	return nil
}

// send sends an object; the error ends the session.
func (d *datagrams) send(o *live.Object, now time.Time) error {
	x := d.subscription
	s := x.scheduler
	if !x.params.Forward || !x.wants(o) {
		return nil
	}
	// Both timeouts mean the same for a datagram (moqt-18 §8).
	limits := timeouts{x.defaults.ObjectDeliveryTimeout, x.defaults.SubgroupDeliveryTimeout}.within(x.subscriber())
	age := now.Sub(o.Arrived)
	if limit := shortest(limits.object, limits.subgroup); limit > 0 && age > limit {
		s.config.Counters.Timeouts.Add(1)
		return nil
	}
	if limit := x.params.Track.MaxAge(); limit > 0 && age > limit {
		return nil
	}
	d.message = wire.Datagram{TrackAlias: x.params.Alias, Group: o.Group, ID: o.ID, EndOfGroup: o.EndOfGroup, Status: o.Status, Properties: o.Properties, Payload: o.Payload()}
	if o.Priority != x.defaults.PublisherPriority {
		d.message.Priority = wire.Some(o.Priority)
	}
	if s.scratch == nil {
		s.scratch = make([]byte, 0, scratchSize)
	}
	b := wire.AppendDatagram(s.scratch, s.version, &d.message)
	d.message = wire.Datagram{}
	s.volley.sent++
	sent, err := s.post(b)
	if sent {
		if x.tally.objects.Add(1) == 1 {
			x.begin()
		}
		x.tally.bytes.Add(uint64(len(b)))
	}
	return err
}
