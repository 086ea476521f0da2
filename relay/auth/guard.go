package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
	"moqedge/relay"
)

// Policy is what a Guard goes by. The zero value permits nothing but to connect.
type Policy struct {
	// Open permits everything to everybody; tokens are not looked at.
	Open bool
	// Verifiers know the kinds of tokens; the first that does not say ErrNotMine
	// decides. They and the Judge stay the caller's.
	Verifiers []Verifier
	// Anonymous is what needs no token.
	Anonymous Scope
	// Judge is asked about what neither a token nor Anonymous permits; nil: that is
	// refused.
	Judge Judge
}

// Guard permits what a Policy does. Its methods are safe for concurrent use.
type Guard struct {
	policy atomic.Pointer[guarded]
}

// guarded is a policy with the claims known under it: another one begins anew.
type guarded struct {
	Policy
	cache cache
}

// New returns a Guard.
func New(p Policy) *Guard {
	g := &Guard{}
	g.Set(p)
	return g
}

// Set changes the policy for what is asked from now on. What was permitted before is
// asked about again when its time is over, or by relay.Relay.Reconsider.
func (g *Guard) Set(p Policy) { g.policy.Store(&guarded{Policy: p}) }

// Authorize is a relay.Authorizer. Tokens in the URL of the session count as those of
// its SETUP. Its errors are *moq.RequestError with a code of moqt-18 §10.6.2.
func (g *Guard) Authorize(ctx context.Context, a relay.Action) (relay.Verdict, error) {
	if g.policy.Load().Open {
		return relay.Verdict{}, nil
	}
	session, own := a.Tokens[:len(a.Tokens)-a.Own], a.Tokens[len(a.Tokens)-a.Own:]
	if inURL := FromPath(a.Session.Path()); len(inURL) > 0 {
		session = append(inURL, session...)
	}
	ask := Ask{Verb: a.Verb, Name: a.Track, Remote: addressOf(a.Session.Conn().Info().RemoteAddr), Path: a.Session.Path()}
	if a.Verb == relay.VerbConnect { // these are what the session itself rests on
		session, own = nil, session
	}
	verdict, err := g.decide(ctx, ask, session, own)
	if err != nil {
		return relay.Verdict{}, refusal(err)
	}
	return verdict, nil
}

// Decide answers a question about who is no session: its error is or wraps one of
// those of Verifier. The tokens are those that were shown for it.
func (g *Guard) Decide(ctx context.Context, a Ask, tokens []wire.Token) (relay.Verdict, error) {
	return g.decide(ctx, a, nil, tokens)
}

// decide judges by the tokens of a session, and by those that were shown for this
// alone: one of them that is malformed or has expired speaks against it, whatever
// else permits it (moqt-18 §10.2.2).
func (g *Guard) decide(ctx context.Context, a Ask, session, own []wire.Token) (relay.Verdict, error) {
	p := g.policy.Load()
	if p.Open {
		return relay.Verdict{}, nil
	}
	var best verdicts
	if len(own) > maxShown {
		return relay.Verdict{}, fmt.Errorf("%w: %d tokens, at most %d", ErrMalformed, len(own), maxShown)
	}
	for _, t := range own {
		verdict, err := p.judge(ctx, a, t)
		if errors.Is(err, ErrMalformed) || errors.Is(err, ErrExpired) {
			return relay.Verdict{}, err
		}
		best.add(verdict, err)
	}
	if p.isOpen(a, len(own) > 0) {
		return relay.Verdict{}, nil
	}
	for _, t := range session {
		best.add(p.judge(ctx, a, t))
	}
	switch {
	case best.any:
		return best.verdict, nil
	case p.Judge != nil:
		return p.Judge.Judge(ctx, a, append(append([]wire.Token(nil), session...), own...))
	case best.err != nil:
		return relay.Verdict{}, best.err
	}
	return relay.Verdict{}, errNoToken
}

// maxShown bounds the tokens that one request, or a session, may show: each costs.
const maxShown = 16

// isOpen reports whether something needs no token. Who comes without one may do so, as
// requests may have theirs; who shows one is to know that it is not good.
func (p *guarded) isOpen(a Ask, shows bool) bool {
	if a.Verb == relay.VerbConnect {
		return !shows
	}
	_, ok := p.Anonymous.Permits(a)
	return ok
}

var errNoToken = fmt.Errorf("%w: there is none, and nobody may without", ErrInvalid)

// judge says whether a token permits something, until when, and whose it is.
func (p *guarded) judge(ctx context.Context, a Ask, t wire.Token) (relay.Verdict, error) {
	c, err := p.cache.claims(ctx, p.Verifiers, t)
	if err != nil {
		return relay.Verdict{}, err
	}
	until, ok := c.Grant.Permits(a)
	if !ok {
		return relay.Verdict{}, ErrScope
	}
	return relay.Verdict{Until: earlier(until, c.until), Subject: c.Subject}, nil
}

// verify asks the verifiers, one after the other.
func verify(ctx context.Context, verifiers []Verifier, t wire.Token) (Claims, error) {
	for _, v := range verifiers {
		c, err := v.Verify(ctx, t)
		if !errors.Is(err, ErrNotMine) {
			return c, err
		}
	}
	return Claims{}, ErrNotMine
}

// verdicts are what several tokens amount to: the one that permits for longest, or
// the error that says most.
type verdicts struct {
	any     bool
	verdict relay.Verdict
	err     error
}

func (v *verdicts) add(one relay.Verdict, err error) {
	best := v.verdict.Until
	switch {
	case err == nil && (!v.any || one.Until.IsZero() || !best.IsZero() && one.Until.After(best)):
		v.any, v.verdict = true, one
	case err != nil && (v.err == nil || errors.Is(err, ErrExpired) || errors.Is(v.err, ErrNotMine)):
		v.err = err
	}
}

// earlier is the earlier of two times, of which zero ones are never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// refusal is what a peer is told.
func refusal(err error) *moq.RequestError {
	refused := &moq.RequestError{Code: wire.RequestUnauthorized, Reason: err.Error()}
	switch {
	case errors.Is(err, ErrMalformed):
		refused.Code = wire.RequestMalformedAuthToken
	case errors.Is(err, ErrExpired):
		refused.Code = wire.RequestExpiredAuthToken
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrNotMine):
	default: // nothing is known now: it may be asked again; why is told to nobody, as it names machines
		refused.Reason, refused.Retry = "whether this is permitted can not be said now", wire.Some(retryAfter)
	}
	return refused
}

// retryAfter is when to ask again after nothing could be said.
const retryAfter = 2 * time.Second

// addressOf is the IP address of a transport address.
func addressOf(a net.Addr) netip.Addr {
	if udp, ok := a.(*net.UDPAddr); ok {
		return udp.AddrPort().Addr().Unmap()
	}
	if at, err := netip.ParseAddrPort(a.String()); err == nil {
		return at.Addr().Unmap()
	}
	return netip.Addr{}
}
