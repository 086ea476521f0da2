package config

import (
	"errors"
	"fmt"
	"maps"
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

// Validate reports all that in c can not be, as Faults. The text of each begins with the
// key as it is written in the file.
func (c Config) Validate() error {
	var all findings
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
		all.add("", err)
	}
	if len(all) == 0 {
		return nil
	}
	var faults Faults
	for _, err := range all {
		faults = append(faults, NewFault(err))
	}
	return faults
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
	var f findings
	names, urls := map[string]int{}, map[string]int{}
	for i, u := range c.Upstreams {
		key := fmt.Sprintf("upstreams[%d]", i)
		f.add("", u.validate(key))
		j, taken := names[u.Name]
		f.note(taken && u.Name != "", "%s.name: %q is the name of upstreams[%d], too", key, u.Name, j)
		j, taken = urls[u.URL]
		f.note(taken && u.URL != "", "%s.url: upstreams[%d] has the same: give one of them all prefixes", key, j)
		names[u.Name], urls[u.URL] = i, i
	}
	return f.found()
}

func (u Upstream) validate(key string) error {
	if u.URL == "" && len(u.Prefixes) > 0 {
		return fmt.Errorf("%s.prefixes: %s is asked of nobody: give the url of this upstream, moqt://HOST:PORT or https://HOST:PORT/PATH", key, strings.Join(u.Prefixes, ", "))
	}
	var f findings
	f.add(key+": ", u.Config.Validate())
	_, err := u.Namespaces()
	f.add(key+".prefixes: ", err)
	f.note(u.Priority < 0, "%s.priority: must not be negative", key)
	f.note(u.Peer && u.OnDemand, "%s.onDemand: a peer is asked for what it has announced, which it can only while it is connected: leave out one of both", key)
	return f.found()
}

func (c Config) validateHTTP() error {
	if c.HTTP == nil {
		return nil
	}
	var f findings
	f.note(c.HTTP.Relay != "" && !strings.HasPrefix(c.HTTP.Relay, "https://"), "http.relay: %q: browsers need https://HOST:PORT/PATH", c.HTTP.Relay)
	f.add("", address("http.listen", c.HTTP.Listen, true))
	return f.found()
}

func (c Config) validateBridge() error {
	b := c.Bridge
	if b == nil {
		return nil
	}
	var f findings
	f.note(b.WHIP.Enabled && c.HTTP == nil, "bridge.whip: it is served by HTTP: set http.listen, or whip: false")
	f.note(b.SRT == nil && !b.WHIP.Enabled, "bridge: it takes neither srt nor whip: set one of them, or leave bridge out")
	f.note(b.Grace < 0 || b.TargetLatency < 0, "bridge: grace and targetLatency must not be negative")
	f.note(b.WHIP.MaxSessions < 0, "bridge.whip.maxSessions: must not be negative")
	if b.PublishTo != nil {
		f.add("bridge.publishTo: ", b.PublishTo.Validate())
	}
	f.add("", address("bridge.whip.ice", b.WHIP.ICE, false))
	for _, ip := range b.WHIP.PublicIPs {
		f.note(net.ParseIP(ip) == nil, "bridge.whip.publicIPs: %q is no IP address", ip)
	}
	if b.SRT != nil {
		f.add("bridge.srt.", b.SRT.validate())
	}
	return f.found()
}

func (s *SRT) validate() error {
	var f findings
	wrong := func(phrase string) bool { return len(phrase) < 10 || len(phrase) > 79 }
	f.note(s.Passphrase != "" && wrong(s.Passphrase), "passphrase: it has %d characters, SRT wants 10 to 79", len(s.Passphrase))
	for _, name := range slices.Sorted(maps.Keys(s.Passphrases)) {
		f.note(wrong(s.Passphrases[name]), "passphrases.%s: it has %d characters, SRT wants 10 to 79", name, len(s.Passphrases[name]))
	}
	f.note(s.Latency < 0 || s.Latency > 10*time.Second, "latency: %v is not between 0 and 10 s", s.Latency)
	f.add("", address("listen", s.Listen, false))
	return f.found()
}

func (r Retention) validate() error {
	var f findings
	f.note(r.Groups < 0, "retention.groups: must not be negative")
	f.note(r.Time < 0, "retention.time: must not be negative")
	f.note(r.Linger < 0, "retention.linger: must not be negative")
	f.note(r.MaxLag < 0, "retention.maxLag: must not be negative")
	return f.found()
}

func (d Drain) validate() error {
	var f findings
	f.note(d.Timeout < 0, "drain.timeout: must not be negative")
	if d.URI != "" {
		f.add("drain.uri: ", peer.Config{URL: d.URI}.Validate())
	}
	return f.found()
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
