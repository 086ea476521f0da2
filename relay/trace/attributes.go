package trace

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"moqedge/moq"
)

// Attributes of spans. Those that begin with network, error or service are those of the
// semantic conventions of OpenTelemetry.
const (
	attrRequest   = "moqt.request"          // SUBSCRIBE, FETCH or TRACK_STATUS
	attrTrack     = "moqt.track"            // its printable form (moqt-18 §1.5)
	attrRole      = "moqt.peer.role"        // client, above or below
	attrPeer      = "moqt.peer.id"          // of a relay
	attrTransport = "moqt.transport"        // quic or webtransport
	attrResult    = "moqt.result"           // OK, the code of REQUEST_ERROR, CANCELLED or _OTHER
	attrSource    = "moqedge.source"        // cache, upstream or publisher
	attrUpstream  = "moqedge.upstream"      // the link that is asked by
	attrRecovery  = "moqedge.recovery"      // nobody waits: a publisher was lost
	attrLink      = "moqedge.link"          // why there is a link
	attrIngest    = "moqedge.ingest"        // srt, whip or file
	attrEncoder   = "moqedge.ingest.remote" // who publishes there
	attrErrorType = "error.type"
)

// Bounds of texts, in bytes.
const (
	maxName = 128 // of a track in the name of a span
	maxText = 256
)

// about describes the process.
func (c Config) about() []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, key := range slices.Sorted(maps.Keys(c.Attributes)) {
		all = append(all, attribute.String(key, c.Attributes[key]))
	}
	instance := c.Node
	if instance == "" {
		instance = c.ID
	}
	for _, a := range [][2]string{
		{"service.name", c.Service}, {"service.version", c.Version}, {"service.instance.id", instance},
		{"moqedge.node", c.Node}, {"moqedge.id", c.ID}, {"moqedge.region", c.Region},
	} {
		if a[1] != "" {
			all = append(all, attribute.String(a[0], quoted(a[1])))
		}
	}
	return all
}

// describe tells of the session that a request came by, or goes by.
func (s *span) describe(session *moq.Session) {
	info := session.Conn().Info()
	draft := strings.TrimPrefix(session.Version().String(), "moqt-")
	all := []attribute.KeyValue{
		attribute.String("network.transport", "quic"), attribute.String("network.protocol.name", "moqt"), attribute.String("network.protocol.version", draft),
		attribute.String(attrTransport, info.Kind.String()),
	}
	host, port, err := net.SplitHostPort(info.RemoteAddr.String())
	if number, wrong := strconv.Atoi(port); err == nil && wrong == nil {
		all = append(all, attribute.String("network.peer.address", host), attribute.Int("network.peer.port", number))
	}
	if peer, ok := session.PeerRelay(); ok {
		all = append(all, attribute.String(attrPeer, quoted(peer.ID)))
	}
	s.span.SetAttributes(all...)
}

// quoted is a text of a peer as it may be shown: short, and in quotes if there is
// anything in it besides printable ASCII.
func quoted(text string) string {
	for i := range min(len(text), maxText) {
		if text[i] < ' ' || text[i] > '~' {
			return strconv.QuoteToASCII(shortened(text, maxText/4)) // a byte becomes four at most
		}
	}
	return shortened(text, maxText)
}

// shortened cuts a text.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:most-3] + "..."
}
