// Package cat knows Common Access Tokens (CTA-5007) with the claims for MOQT of
// moq-c4m: CBOR Web Tokens (RFC 8392) with a MAC (RFC 9052 §6.2), verified by secrets
// that relay and issuer share.
//
// It knows nothing of sessions and requests but what auth.Ask says, and keeps nothing.
// What a token says and this package does not understand, or can not check, speaks
// against the token: claims of a CAT narrow what it permits.
//
// Start reading at Verifier (verify.go). message.go has the two forms of a token,
// claims.go what may be in it, scope.go the claim moqt: which actions on which names.
// issue.go makes tokens and explains them to people.
package cat
