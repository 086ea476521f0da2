package main

import (
	"time"

	"moqedge/moq/wire"
	"moqedge/relay/auth"
	"moqedge/relay/auth/cat"
	"moqedge/relay/auth/token"
)

// issueCAT makes a Common Access Token of what a JSON Web Token would grant: reading and
// publishing in the words of moq-c4m. It returns the text and what that says.
func issueCAT(k token.Key, c token.Claims) (text string, said cat.Inspection, err error) {
	claims := cat.Claims{Issuer: c.Issuer, Subject: c.Subject, ID: c.ID, Audience: c.Audience}
	if c.ExpiresAt != nil {
		claims.Expires = c.ExpiresAt.Time
	}
	if c.IssuedAt != nil {
		claims.Issued = c.IssuedAt.Time
	}
	scope := c.Scope()
	add := func(prefixes []wire.Namespace, actions ...cat.Action) {
		for _, ns := range prefixes {
			s := cat.Scope{Actions: actions}
			for _, field := range ns {
				s.Namespace = append(s.Namespace, cat.Match{Value: field})
			}
			claims.Scopes = append(claims.Scopes, s)
		}
	}
	add(scope.Get, cat.ClientSetup, cat.SubscribeNamespace, cat.Subscribe, cat.RequestUpdate, cat.Fetch, cat.TrackStatus)
	add(scope.Put, cat.ClientSetup, cat.PublishNamespace, cat.RequestUpdate, cat.Publish)
	b, err := cat.Issue(k, claims)
	if err != nil {
		return "", said, err
	}
	text = cat.Text(b)
	said, err = inspectCAT(text, nil)
	return text, said, err
}

// parseToken is a token of text.
func parseToken(text string) wire.Token {
	t, _ := auth.ParseText(text)
	return t
}

// inspectCAT says what a Common Access Token is; the error is or wraps auth.ErrNotMine
// when the text is none.
func inspectCAT(text string, keys []token.Key) (cat.Inspection, error) {
	return cat.Inspect(parseToken(text), keys, time.Now())
}
