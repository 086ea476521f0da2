package bridge

import "time"

// Steady is the time of the day as it is when it is called, from where on it goes as the
// machine's uptime does: whoever sets the clock meanwhile does not change it. An ingest
// stamps its media by one, so that timestamps neither stand still nor leap within a
// publication; the next one has the clock as it was set.
func Steady(now func() time.Time) func() time.Time {
	began := now()
	return func() time.Time { return began.Add(now().Sub(began)) }
}
