//go:build !linux

package main

// yield does nothing: what is measured is worse by that.
func yield() error { return nil }
