package config

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"moqedge/cmd/moqedge/peer"
	"moqedge/moq/wire"
)

// Levels and Formats are the words of Log.
func Levels() []string  { return []string{"debug", "info", "warn", "error"} }
func Formats() []string { return []string{"text", "json"} }

// Validate reports what in c can not be, as Faults: at most one for each section. The
// text of each begins with the key as it is written in the file.
func (c Config) Validate() error {
	var faults Faults
	for _, err := range []error{
		address("listen", c.Listen, true),
		c.validateRegion(),
		c.validateUpstreams(),
		c.Cluster.validate(),
		c.validateCertificate(),
		c.validateHTTP(),
		c.validateBridge(),
		c.Access.validate(),
		c.Limits.validate(),
		c.Admin.validate(),
		c.Retention.validate(),
		c.Drain.validate(),
		c.validateObserving(),
		c.Tracing.validate(),
		word("log.level", c.Log.Level, Levels()),
		word("log.format", c.Log.Format, Formats()),
	} {
		if err != nil {
			faults = append(faults, NewFault(err))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

func (c Config) validateRegion() error {
	if len(c.Region) > wire.MaxRegion || strings.ContainsFunc(c.Region, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("region: %.80q is told to other relays and shown in metrics: give up to %d bytes of text that can be printed", c.Region, wire.MaxRegion)
	}
	return nil
}

func (c Config) validateUpstreams() error {
	if c.Upstream != nil {
		if len(c.Upstreams) > 0 {
			return errors.New("upstream: there are upstreams as well: move it there")
		}
		return c.Upstream.validate("upstream")
	}
	names, urls := map[string]int{}, map[string]int{}
	for i, u := range c.Upstreams {
		key := fmt.Sprintf("upstreams[%d]", i)
		if err := u.validate(key); err != nil {
			return err
		}
		if j, taken := names[u.Name]; taken && u.Name != "" {
			return fmt.Errorf("%s.name: %q is the name of upstreams[%d], too", key, u.Name, j)
		}
		if j, taken := urls[u.URL]; taken {
			return fmt.Errorf("%s.url: upstreams[%d] has the same: give one of them all prefixes", key, j)
		}
		names[u.Name], urls[u.URL] = i, i
	}
	return nil
}

func (u Upstream) validate(key string) error {
	if u.URL == "" && len(u.Prefixes) > 0 {
		return fmt.Errorf("%s.prefixes: %s is asked of nobody: give the url of this upstream, moqt://HOST:PORT or https://HOST:PORT/PATH", key, strings.Join(u.Prefixes, ", "))
	}
	if err := u.Config.Validate(); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if _, err := u.Namespaces(); err != nil {
		return fmt.Errorf("%s.prefixes: %w", key, err)
	}
	switch {
	case u.Priority < 0:
		return fmt.Errorf("%s.priority: must not be negative", key)
	case u.Peer && u.OnDemand:
		return fmt.Errorf("%s.onDemand: a peer is asked for what it has announced, which it can only while it is connected: leave out one of both", key)
	}
	return nil
}

func (c Config) validateHTTP() error {
	if c.HTTP == nil {
		return nil
	}
	if c.HTTP.Relay != "" && !strings.HasPrefix(c.HTTP.Relay, "https://") {
		return fmt.Errorf("http.relay: %q: browsers need https://HOST:PORT/PATH", c.HTTP.Relay)
	}
	return address("http.listen", c.HTTP.Listen, true)
}

func (c Config) validateBridge() error {
	b := c.Bridge
	switch {
	case b == nil:
		return nil
	case b.WHIP.Enabled && c.HTTP == nil:
		return errors.New("bridge.whip: it is served by HTTP: set http.listen, or whip: false")
	case b.SRT == nil && !b.WHIP.Enabled:
		return errors.New("bridge: it takes neither srt nor whip: set one of them, or leave bridge out")
	case b.Grace < 0 || b.TargetLatency < 0:
		return errors.New("bridge: grace and targetLatency must not be negative")
	case b.WHIP.MaxSessions < 0:
		return errors.New("bridge.whip.maxSessions: must not be negative")
	}
	if b.PublishTo != nil {
		if err := b.PublishTo.Validate(); err != nil {
			return fmt.Errorf("bridge.publishTo: %w", err)
		}
	}
	if err := address("bridge.whip.ice", b.WHIP.ICE, false); err != nil {
		return err
	}
	for _, ip := range b.WHIP.PublicIPs {
		if net.ParseIP(ip) == nil {
			return fmt.Errorf("bridge.whip.publicIPs: %q is no IP address", ip)
		}
	}
	if b.SRT == nil {
		return nil
	}
	if n := len(b.SRT.Passphrase); n != 0 && (n < 10 || n > 79) {
		return fmt.Errorf("bridge.srt.passphrase: it has %d characters, SRT wants 10 to 79", n)
	}
	for name, phrase := range b.SRT.Passphrases {
		if n := len(phrase); n < 10 || n > 79 {
			return fmt.Errorf("bridge.srt.passphrases.%s: it has %d characters, SRT wants 10 to 79", name, n)
		}
	}
	if b.SRT.Latency < 0 || b.SRT.Latency > 10*time.Second {
		return fmt.Errorf("bridge.srt.latency: %v is not between 0 and 10 s", b.SRT.Latency)
	}
	return address("bridge.srt.listen", b.SRT.Listen, false)
}

func (r Retention) validate() error {
	switch {
	case r.Groups < 0:
		return errors.New("retention.groups: must not be negative")
	case r.Time < 0:
		return errors.New("retention.time: must not be negative")
	case r.Linger < 0:
		return errors.New("retention.linger: must not be negative")
	case r.MaxLag < 0:
		return errors.New("retention.maxLag: must not be negative")
	}
	return nil
}

func (d Drain) validate() error {
	if d.Timeout < 0 {
		return errors.New("drain.timeout: must not be negative")
	}
	if d.URI == "" {
		return nil
	}
	if err := (peer.Config{URL: d.URI}).Validate(); err != nil {
		return fmt.Errorf("drain.uri: %w", err)
	}
	return nil
}

// address checks a listen address: [HOST]:PORT.
func address(key, value string, required bool) error {
	if value == "" {
		if required {
			return fmt.Errorf("%s: it is missing: give an address such as :4443 or 127.0.0.1:4443", key)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s: %q is not an address: give HOST:PORT or :PORT with a port of 0 to 65535", key, value)
	}
	return nil
}

func word(key, value string, allowed []string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", key, value, strings.Join(allowed, ", "))
}
