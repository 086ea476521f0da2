package link

import (
	"math"
	"time"
)

// never is a time that does not come; sums of two do not overflow.
const never = math.MaxInt64 / 4

// span is a part of a timetable: it lasts until the next one begins.
type span struct {
	from int64   // nanoseconds of the emulator's clock
	rate float64 // bits per nanosecond; +Inf: unlimited; 0: nothing gets through
}

// timetable says what a line carries at what time. It begins before all time and
// has at least one span.
type timetable []span

// timetable of a direction whose rate is base (bit/s, 0: unlimited) where no
// change says otherwise. The highest rate (bit/s) sizes the queue; 0: there is none.
func (l Link) timetable(base float64, towardsViewer bool) (t timetable, highest float64) {
	add := func(at time.Duration, rate float64, down bool) {
		s := span{from: int64(at), rate: rate / float64(time.Second)}
		switch {
		case down:
			s.rate = 0
		case rate == 0:
			s.rate = math.Inf(1)
		default:
			highest = max(highest, rate)
		}
		t = append(t, s)
	}
	add(math.MinInt64, base, false)
	for _, c := range l.Changes {
		rate := base
		if towardsViewer && c.Rate != 0 {
			rate = c.Rate
		}
		add(c.At, rate, c.Down)
	}
	return t, highest
}

// at returns the index of the span that covers a time.
func (t timetable) at(now int64) int {
	i := len(t) - 1
	for i > 0 && t[i].from > now {
		i--
	}
	return i
}

// end is when span i ends.
func (t timetable) end(i int) int64 {
	if i+1 < len(t) {
		return t[i+1].from
	}
	return never
}

// carries returns how many bits the line carries from one time to another. The
// time between must not be in a span without limit.
func (t timetable) carries(from, to int64) (bits float64) {
	for i := t.at(from); from < to; i++ {
		end := min(t.end(i), to)
		bits += t[i].rate * float64(end-from)
		from = end
	}
	return bits
}

// send returns when the last of the bits that enter the line at a time has left.
// An interruption is waited for, if patient; if not, cut says that one came
// between, and at when.
func (t timetable) send(from int64, bits float64, patient bool) (left int64, cut bool) {
	for i := t.at(from); ; i++ {
		end := t.end(i)
		switch rate := t[i].rate; {
		case math.IsInf(rate, 1):
			return from, false
		case rate == 0 && !patient:
			return from, true
		case rate > 0:
			if end == never || bits <= rate*float64(end-from) {
				return from + int64(math.Ceil(bits/rate)), false
			}
			bits -= rate * float64(end-from)
		}
		if end == never {
			return never, false
		}
		from = end
	}
}
