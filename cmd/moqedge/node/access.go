package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"moqedge/bridge"
	"moqedge/cmd/moqedge/config"
	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
	"moqedge/relay/auth/cat"
	"moqedge/relay/auth/hook"
	"moqedge/relay/auth/token"
)

// openAccess has the node ask who may do what, which is everything unless the
// configuration says otherwise.
func (n *Node) openAccess(ctx context.Context) error {
	if !n.config.Access.Guarded() && !config.Loopback(n.config.Listen) {
		n.log.Warn("everybody who reaches this node may read and publish everything: the configuration does not say who may, below access", "listen", n.config.Listen)
	}
	policy, err := n.policy(ctx, n.config.Access, nil)
	if err != nil {
		return err
	}
	n.guard = auth.New(policy.Policy)
	n.permits = bridge.NewPermits(n.authorizeIngest())
	n.hook.Store(hookOf(policy))
	n.undo = append(n.undo, func() { n.hook.Swap(nil).Close() })
	guarded, keysNow := n.config.Access.Guarded(), policy.keys // both guarded by the mu of reloading
	n.OnApply(func(next config.Config) (Step, error) {
		if guarded && !next.Access.Guarded() {
			return Step{}, errOpened
		}
		policy, err := n.policy(ctx, next.Access, keysNow)
		if err != nil {
			return Step{}, err
		}
		return Step{
			Commit: func() {
				guarded, keysNow = next.Access.Guarded(), policy.keys
				n.guard.Set(policy.Policy)
				n.hook.Swap(hookOf(policy)).Close()
				n.relay.Reconsider()
				n.permits.Again()
			},
			Cancel: hookOf(policy).Close,
		}, nil
	}, "access.jwt", "access.cat", "access.hook", "access.anonymous")
	return nil
}

// errOpened is why a node that asks does not cease to because its configuration says no
// more whom: a file that was cut off would let everybody in.
var errOpened = errors.New(`access: without jwt, cat, hook and anonymous everybody may do everything: restart the node for that, or say it here by anonymous: {get: [""], put: [""]}`)

// policy is what a section of the configuration means, with where its keys come from.
type policy struct {
	auth.Policy
	keys map[token.SourceConfig]*token.Source
}

// policy makes one, with keys of before that can not be had now; nil: there is no before. What is new
// has to be there then: who is connected would else have to go.
func (n *Node) policy(ctx context.Context, a config.Access, before map[token.SourceConfig]*token.Source) (policy, error) {
	p := policy{Policy: auth.Policy{Open: !a.Guarded()}, keys: map[token.SourceConfig]*token.Source{}}
	var err error
	if p.Anonymous.Get, p.Anonymous.Put, err = a.Anonymous.Namespaces(); err != nil {
		return p, fmt.Errorf("access.anonymous: %w", err)
	}
	open := func(key string, c token.SourceConfig) (*token.Source, error) {
		c.Logger = n.log
		s, err := token.Open(ctx, c)
		if err == nil && before != nil {
			_, err = s.Find(ctx, "")
		}
		if had, known := before[c]; known && err != nil { // what is there is asked for first: keys may be withdrawn
			s, err = had, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		p.keys[c] = s
		return s, nil
	}
	if j := a.JWT; j != nil {
		keys, err := open("access.jwt.keys", token.SourceConfig{Location: j.Keys, Refresh: j.Refresh})
		if err != nil {
			return p, err
		}
		p.Verifiers = append(p.Verifiers, &token.Verifier{Keys: keys, Audience: j.Audience, Issuer: j.Issuer})
	}
	if c := a.CAT; c != nil {
		keys, err := open("access.cat.keys", token.SourceConfig{Location: c.Keys})
		if err != nil {
			return p, err
		}
		p.Verifiers = append(p.Verifiers, &cat.Verifier{Keys: keys, Audience: c.Audience, Issuer: c.Issuer})
	}
	if h := a.Hook; h != nil { // last: it is closed by who gets the policy
		asked, err := hook.New(hook.Config{URL: h.URL, Timeout: h.Timeout, Cache: h.Cache, MaxEntries: h.MaxEntries, Logger: n.log})
		if err != nil {
			return p, fmt.Errorf("access.hook: %w", err)
		}
		p.Judge = asked
	}
	return p, nil
}

// hookOf is the hook of a policy; nil without one.
func hookOf(p policy) *hook.Hook {
	h, _ := p.Judge.(*hook.Hook)
	return h
}

// authorizeIngest says who may publish under a name of the bridge: whom a token permits
// to publish the namespace that is the name.
func (n *Node) authorizeIngest() bridge.Authorize {
	return func(ctx context.Context, name string, from bridge.Ingest, credential string) (until time.Time, err error) {
		// It is asked again while the ingest goes on, in a goroutine of nobody.
		defer bridge.Panicked(n.survived).Catch(n.log.With("name", name, "remote", from.Remote), func(error) { err = bridge.ErrUnknownPermission })
		a := auth.Ask{Verb: relay.VerbPublishNamespace, Name: wire.FullTrackName{Namespace: wire.Namespace{name}}}
		if at, err := netip.ParseAddrPort(from.Remote); err == nil {
			a.Remote = at.Addr().Unmap()
		}
		var shown []wire.Token
		if t, ok := auth.ParseText(credential); ok {
			shown = append(shown, t)
		}
		verdict, err := n.guard.Decide(ctx, a, shown)
		if err != nil {
			n.log.Info("not permitted to publish", "name", name, "protocol", from.Protocol, "remote", from.Remote, "error", err)
			return time.Time{}, ingestRefusal(err)
		}
		return verdict.Until, nil
	}
}

// ingestRefusal is an error of a guard in the terms of the bridge.
func ingestRefusal(err error) error {
	switch {
	case errors.Is(err, auth.ErrScope):
		return bridge.ErrForbidden
	case errors.Is(err, auth.ErrInvalid), errors.Is(err, auth.ErrExpired), errors.Is(err, auth.ErrMalformed), errors.Is(err, auth.ErrNotMine):
		return fmt.Errorf("%w: %w", bridge.ErrUnauthorized, err)
	}
	return bridge.ErrUnknownPermission
}
