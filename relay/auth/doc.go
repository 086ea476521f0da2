// Package auth decides who may do what at a relay: it judges the tokens that sessions
// show, and what is open to everybody.
//
// It knows no format of tokens: those are Verifiers, as packages token (JSON Web
// Tokens) and cat (Common Access Tokens). It knows nothing of sessions beyond what
// they ask for, never imports the bridge, and keeps no state of a session: a
// permission that ends is ended by package relay, which asks again when its time
// has come.
//
// Start reading at Guard (guard.go), which is a relay.Authorizer, then Claims and
// Verifier (claims.go), what a token amounts to. scope.go has the prefixes of
// namespaces that tokens and the configuration grant, credential.go what is a token
// in a URL, a header or a stream ID, cache.go the claims of tokens seen a moment ago, recent.go what
// bounds them.
package auth
