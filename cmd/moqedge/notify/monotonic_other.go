//go:build !linux

package notify

import "time"

// monotonic is 0: managers that speak this protocol are on Linux.
func monotonic() time.Duration { return 0 }
