// Package clockset makes the times that a program sees after somebody has set the clock of
// its machine: another time of the day at the same uptime. It is for tests, knows nothing
// of the rest of the project, and consists of [Set].
package clockset

import (
	"fmt"
	"time"
	"unsafe"
)

// Set is what time.Now returns at now when the clock was set by so much before, forward or
// backward, in whole seconds. now is a time of time.Now, which has the uptime in it. It
// panics when time.Time is not made as it was when this was written: then nothing
// would be tested.
func Set(now time.Time, by time.Duration) time.Time {
	was := now
	*(*uint64)(unsafe.Pointer(&now)) += uint64(by/time.Second) << 30 //nolint:gosec // the seconds of time.Time
	if now.Sub(was) != 0 || now.Round(0).Sub(was.Round(0)) != by {
		panic(fmt.Sprintf("clockset: time.Time is made in another way: %v after %v", now, was))
	}
	return now
}
