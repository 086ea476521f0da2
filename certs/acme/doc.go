// Package acme has certificates from an authority that speaks ACME (RFC 8555), such as
// Let's Encrypt: it proves by TLS-ALPN-01 or HTTP-01 that this machine is reached by the
// names, keeps account, keys and certificates in a folder, and renews them while they
// are served. The protocol and the times of retries are those of certmagic.
//
// It knows nothing of MOQT and QUIC: challenges come over TCP.
//
// # Where to start reading
//
// acme.go holds Source, a certs.Challenger; log.go has certmagic log to slog.
package acme
