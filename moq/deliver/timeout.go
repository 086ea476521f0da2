package deliver

import (
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// timeouts are delivery timeouts; 0 means none (moqt-18 §8).
type timeouts struct{ object, subgroup time.Duration }

// within returns the smaller one of each kind.
func (t timeouts) within(u timeouts) timeouts {
	return timeouts{shortest(t.object, u.object), shortest(t.subgroup, u.subgroup)}
}

// shortest of two timeouts, of which 0 means none.
func shortest(a, b time.Duration) time.Duration {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// publisher returns the timeouts that the publisher of a subgroup has set, and
// whether they are final: from draft 19 on its first object may override those
// of the track (moqt-19 §8). Whoever joined the subgroup later does not know
// that object, and goes by the track until a fetch brings it.
func (x *Subscription) publisher(sg *live.Subgroup) (t timeouts, known bool) {
	t = timeouts{x.defaults.ObjectDeliveryTimeout, x.defaults.SubgroupDeliveryTimeout}
	if !x.scheduler.version.Has(wire.FeatureObjectTimeouts) {
		return t, true
	}
	o := sg.First()
	if o == nil {
		return t, false
	}
	object, subgroup := o.Properties.ObjectTimeouts()
	return timeouts{object.Or(t.object), subgroup.Or(t.subgroup)}, true
}

// subscriber returns the timeouts that the subscriber has set.
func (x *Subscription) subscriber() timeouts {
	return timeouts{x.params.ObjectTimeout, x.params.SubgroupTimeout}
}

// lingering is a stream that was closed but whose data may not be delivered
// yet: it is given up when the time of its subgroup is over (moqt-18 §8). The
// transport does not tell when everything was acknowledged; a reset after that
// has no effect.
type lingering struct {
	stream transport.SendStream
	until  time.Time
}

// linger gives a closed stream up at the given time.
func (s *Scheduler) linger(st transport.SendStream, until time.Time) {
	s.lingering = append(s.lingering, lingering{st, until})
}

// giveUp resets the streams whose time is over.
func (s *Scheduler) giveUp(now time.Time) {
	if len(s.lingering) == 0 {
		return
	}
	rest := s.lingering[:0]
	for _, l := range s.lingering {
		if now.Before(l.until) {
			rest = append(rest, l)
			continue
		}
		s.reset(l.stream, wire.ResetDeliveryTimeout)
	}
	clear(s.lingering[len(rest):])
	s.lingering = rest
}
