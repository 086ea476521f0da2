//go:build !linux

package flood

// yield does nothing: what is measured is worse by that.
func yield() error { return nil }
