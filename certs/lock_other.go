//go:build !unix

package certs

// lockFolder does nothing where folders have no locks: processes that share one and
// make a certificate at the same moment get different ones.
func lockFolder(string) (unlock func(), err error) { return func() {}, nil }
