package admin

import (
	"log/slog"
	"net/http"
	"time"

	"moqedge/relay"
	"moqedge/relay/meter"
)

// Config says what is shown. Relay, Local and Token decide; nil functions mean that the
// node has nothing of the kind.
type Config struct {
	// Relay that is looked at.
	Relay *relay.Relay
	// Name, Region and Version of the node, for people; "": none.
	Name, Region, Version string
	// Started is when the node was.
	Started time.Time
	// Local says that only this machine reaches the address: nobody needs a token
	// while there is none, but the Host of a request has to be a loopback one.
	Local bool
	// Token returns what requests have to bring, "" for nothing; nil: nothing. Without
	// Local there has to be one: nothing but /healthz and /readyz is answered else.
	Token func() string
	// Draining reports whether the node drains; Drain has it begin, with where to send
	// those who are connected ("": nowhere) and how long they may take (0: as
	// configured), and does not wait.
	Draining func() bool
	Drain    func(uri string, limit time.Duration)
	// Unready returns why the node is not ready besides what the relay tells, such as
	// an expired certificate.
	Unready func() []string
	// Certificates are those that the node shows, that for who asks for no name first.
	Certificates func() []Certificate
	// Ingests are the publications that the bridge takes.
	Ingests func() []Ingest
	// Delays are what the relay adds to objects on their way, since its start.
	Delays func() (forward, queued meter.Distribution)
	// Settings is the configuration that is in effect.
	Settings func() Settings
	// Metrics are served at /metrics and below; nil: they are not there.
	Metrics http.Handler
	// Logger; nil means slog.Default.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Token == nil {
		c.Token = func() string { return "" }
	}
	if c.Draining == nil {
		c.Draining = func() bool { return false }
	}
	if c.Unready == nil {
		c.Unready = func() []string { return nil }
	}
	if c.Certificates == nil {
		c.Certificates = func() []Certificate { return nil }
	}
	if c.Ingests == nil {
		c.Ingests = func() []Ingest { return nil }
	}
	if c.Delays == nil {
		c.Delays = func() (forward, queued meter.Distribution) { return forward, queued }
	}
	if c.Settings == nil {
		c.Settings = func() Settings { return Settings{} }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}
