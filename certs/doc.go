// Package certs gives TLS servers their certificates: one made here for
// development, with a fingerprint that browsers can be told to trust, or PEM
// files that are read again when they change; several of them by the name that
// clients ask for. For clients it turns a CA file, a fingerprint or the wish not
// to check into a tls.Config.
//
// It knows nothing of MOQT, QUIC or HTTP/3, and asks no certificate authority:
// package certs/acme does that.
//
// # Where to start reading
//
// source.go holds Source, what both kinds have in common and how it is kept
// fresh; development.go and files.go are the two kinds, set.go chooses among several
// by name, expiry.go warns of ends; client.go is for dialing. All waiting is done with package time, so that tests run in the
// virtual time of testing/synctest.
package certs
