// Package token knows JSON Web Tokens (RFC 7519) that say which namespaces their
// holder may read and publish, with the claims of moq-relay's tokens: it verifies
// them for a relay, and issues and inspects them for people.
//
// It knows nothing of sessions and of what is asked: what a token grants is an
// auth.Scope. A token's header never decides how it is verified: each key has its
// algorithms.
//
// Start reading at Verifier (verify.go). claims.go is what a token says, key.go and
// parse.go what it is signed and verified with, source.go where the keys of a relay come
// from and how they are renewed, issue.go makes tokens and keys.
package token
