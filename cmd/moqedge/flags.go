package main

import (
	"context"
	"time"

	"moqedge/cmd/moqedge/peer"
	"moqedge/moq/wire"
	"moqedge/relay/auth"
)

// trustFlags say how to connect to a relay.
type trustFlags struct {
	Fingerprint    string        `placeholder:"HEX" group:"Trust" help:"Accept the certificate with this SHA-256 (several: separated by commas)."`
	FingerprintURL string        `name:"fingerprint-url" placeholder:"URL" group:"Trust" help:"Read the fingerprint there before every connection, such as http://HOST:8080/certificate.sha256."`
	CA             string        `name:"ca" placeholder:"FILE" group:"Trust" help:"Trust the roots in this PEM file."`
	Insecure       bool          `group:"Trust" help:"Do not check the certificate. For experiments."`
	Timeout        time.Duration `default:"5s" help:"How long an attempt to connect may take."`
}

// clientFlags are those of a command that is a client of one relay.
type clientFlags struct {
	Draft int    `placeholder:"N" help:"Speak this draft of MOQT only, such as 18. (default: what the relay prefers)"`
	Token string `placeholder:"TOKEN" env:"MOQEDGE_TOKEN" help:"Shown to the relay, as ?jwt=TOKEN in its URL is; better in the environment, as MOQEDGE_TOKEN"`
	trustFlags
}

func (f clientFlags) peer(url string) peer.Config {
	c := f.trustFlags.peer(url)
	c.Draft = f.Draft
	return c
}

// tokens are what a session shows in SETUP.
func (f clientFlags) tokens() []wire.Token {
	if t, ok := auth.ParseText(f.Token); ok {
		return []wire.Token{t}
	}
	return nil
}

func (t trustFlags) peer(url string) peer.Config {
	return peer.Config{
		URL: url, Fingerprint: t.Fingerprint, FingerprintURL: t.FingerprintURL,
		CA: t.CA, Insecure: t.Insecure, Timeout: t.Timeout,
	}
}

// limit ends a context after a time; 0 means not.
func limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d > 0 {
		return context.WithTimeout(ctx, d)
	}
	return context.WithCancel(ctx)
}
