package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
)

// Types of tokens (moqt-18 §15.6). A JSON Web Token has none of its own and is sent
// as one whose type is agreed on otherwise.
const (
	TypeOther uint64 = 0
	TypeCAT   uint64 = 1 // Common Access Token (moq-c4m)
)

// Ask is the question whether something may be done.
type Ask struct {
	Verb relay.Verb
	// Name is that of relay.Action: a full name for what is about a track, else
	// the Namespace alone, a prefix of those asked for with some verbs.
	Name wire.FullTrackName
	// Remote is the address of who asks; the zero value: not known.
	Remote netip.Addr
	// Path is that of the URL of the session, with its query; "" when there is none.
	Path string
}

// Grant is what a token permits. Its methods are safe for concurrent use and do not
// block.
type Grant interface {
	// Permits answers a question, as if the token were still good: until says when
	// this permission ends if that is before Claims.Expires, zero: it does not.
	Permits(a Ask) (until time.Time, ok bool)
}

// Claims are what a token says that was verified.
type Claims struct {
	Subject string // whom it was issued to; "" when it does not say. Quote it in logs
	ID      string // of the token; "" when it has none. Quote it in logs
	// Expires is when the token ends; zero: never.
	Expires time.Time
	// Revalidate is how long it may be relied on before it is verified again
	// (moq-c4m, moqt-reval); 0: until it expires.
	Revalidate time.Duration
	Grant      Grant
}

// Verifier knows one kind of token. It is safe for concurrent use.
type Verifier interface {
	// Verify returns the claims of a token that is genuine and in force. The error
	// is or wraps ErrNotMine when it is no token of this kind, ErrMalformed,
	// ErrExpired or ErrInvalid; any other error says why nothing can be said now. It
	// may wait, as long as ctx.
	Verify(ctx context.Context, t wire.Token) (Claims, error)
}

// What can be wrong with a token.
var (
	ErrNotMine   = errors.New("a token of another kind")
	ErrMalformed = errors.New("the token is malformed")
	ErrExpired   = errors.New("the token has expired")
	// ErrInvalid is a token that nobody trusted issued, or not for here, or not yet.
	ErrInvalid = errors.New("the token is not valid here")
	// ErrScope is a token that is good and does not permit what is asked.
	ErrScope = fmt.Errorf("%w: it permits other things", ErrInvalid)
)

// Judge is asked about what neither a token nor the configuration permits. It is safe
// for concurrent use.
type Judge interface {
	// Judge returns a verdict, or an error that wraps one of those above when it
	// does not permit; any other error says why nothing can be said, which permits
	// nothing either. The tokens have their values, they may be none. It may wait,
	// as long as ctx.
	Judge(ctx context.Context, a Ask, tokens []wire.Token) (relay.Verdict, error)
}
