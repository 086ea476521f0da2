package wire

import "slices"

// PublishNamespace is PUBLISH_NAMESPACE (moqt-18 §10.15).
type PublishNamespace struct {
	RequestID uint64     // of the sender's sequence (moqt-18 §10.1)
	Namespace Namespace  // in which there are tracks
	Params    Parameters // AuthTokens
}

// Type returns MsgPublishNamespace.
func (*PublishNamespace) Type() MessageType { return MsgPublishNamespace }

func encodePublishNamespace(e *encoder, m *PublishNamespace) {
	e.varint(m.RequestID)
	e.trackNamespace(m.Namespace)
	e.parameters(&m.Params, inPublishNamespace)
}

func decodePublishNamespace(d *decoder, m *PublishNamespace) {
	m.RequestID = d.varint()
	m.Namespace = d.trackNamespace()
	d.parameters(&m.Params, inPublishNamespace)
}

// SubscribeNamespace is SUBSCRIBE_NAMESPACE (moqt-18 §10.18).
type SubscribeNamespace struct {
	RequestID uint64    // of the sender's sequence (moqt-18 §10.1)
	Prefix    Namespace // of the namespaces asked for; empty means all
	// Interest is what draft 16 calls Subscribe Options; later drafts have
	// SubscribeTracks for tracks, so it must be InterestNamespaces.
	Interest NamespaceInterest
	Params   Parameters // AuthTokens; in draft 16 Forward too
}

// NamespaceInterest says what a SUBSCRIBE_NAMESPACE of draft 16 asks for
// (moqt-16 §9.25).
type NamespaceInterest uint8

// Interests.
const (
	InterestNamespaces NamespaceInterest = iota // NAMESPACE messages
	InterestTracks                              // PUBLISH messages
	InterestBoth                                // either
)

// subscribeOptions are the numbers on the wire.
var subscribeOptions = []uint64{InterestNamespaces: 1, InterestTracks: 0, InterestBoth: 2}

// Type returns MsgSubscribeNamespace.
func (*SubscribeNamespace) Type() MessageType { return MsgSubscribeNamespace }

func encodeSubscribeNamespace(e *encoder, m *SubscribeNamespace) {
	e.varint(m.RequestID)
	e.namespace(m.Prefix)
	switch {
	case !e.onControlStream():
		if m.Interest != InterestNamespaces {
			e.fail("this draft asks for tracks with SUBSCRIBE_TRACKS")
		}
	case int(m.Interest) < len(subscribeOptions):
		e.varint(subscribeOptions[m.Interest])
	default:
		e.fail("namespace interest %d does not exist", m.Interest)
	}
	e.parameters(&m.Params, inSubscribeNamespace)
}

func decodeSubscribeNamespace(d *decoder, m *SubscribeNamespace) {
	m.RequestID = d.varint()
	m.Prefix = d.namespace()
	if d.onControlStream() {
		option := d.varint()
		i := slices.Index(subscribeOptions, option)
		if i < 0 {
			d.fail(violation("subscribe option %d does not exist", option))
		}
		m.Interest = NamespaceInterest(max(i, 0))
	}
	d.parameters(&m.Params, inSubscribeNamespace)
}

// SubscribeTracks is SUBSCRIBE_TRACKS (moqt-18 §10.19). Draft 16 sends it as a
// SUBSCRIBE_NAMESPACE with an option and decodes it as [SubscribeNamespace].
type SubscribeTracks struct {
	RequestID uint64     // of the sender's sequence (moqt-18 §10.1)
	Prefix    Namespace  // of the tracks asked for; empty means all
	Params    Parameters // what the subscriptions begin with
}

// Type returns MsgSubscribeTracks.
func (*SubscribeTracks) Type() MessageType { return MsgSubscribeTracks }

func encodeSubscribeTracks(e *encoder, m *SubscribeTracks) {
	e.varint(m.RequestID)
	e.namespace(m.Prefix)
	e.parameters(&m.Params, inSubscribeTracks)
}

func decodeSubscribeTracks(d *decoder, m *SubscribeTracks) {
	m.RequestID = d.varint()
	m.Prefix = d.namespace()
	d.parameters(&m.Params, inSubscribeTracks)
}

// NamespaceMsg is NAMESPACE (moqt-18 §10.16): a namespace under the prefix
// subscribed to exists. Suffix is what follows the prefix; it may be empty.
type NamespaceMsg struct{ Suffix Namespace }

// Type returns MsgNamespace.
func (*NamespaceMsg) Type() MessageType { return MsgNamespace }

func encodeNamespaceMsg(e *encoder, m *NamespaceMsg) { e.namespace(m.Suffix) }
func decodeNamespaceMsg(d *decoder, m *NamespaceMsg) { m.Suffix = d.namespace() }

// NamespaceDone is NAMESPACE_DONE (moqt-18 §10.17): what NAMESPACE told of with
// the same Suffix is no more.
type NamespaceDone struct{ Suffix Namespace }

// Type returns MsgNamespaceDone.
func (*NamespaceDone) Type() MessageType { return MsgNamespaceDone }

func encodeNamespaceDone(e *encoder, m *NamespaceDone) { e.namespace(m.Suffix) }
func decodeNamespaceDone(d *decoder, m *NamespaceDone) { m.Suffix = d.namespace() }

// PublishBlocked is PUBLISH_BLOCKED (moqt-18 §10.20), from draft 19 on called
// PUBLISH_SKIPPED: the publisher will not send PUBLISH for the Track whose
// Namespace is the prefix subscribed to and Suffix, and whose name is Name.
type PublishBlocked struct {
	Suffix Namespace
	Name   string
}

// Type returns MsgPublishBlocked.
func (*PublishBlocked) Type() MessageType { return MsgPublishBlocked }

func encodePublishBlocked(e *encoder, m *PublishBlocked) {
	e.fullTrackName(FullTrackName{Namespace: m.Suffix, Name: m.Name})
}

func decodePublishBlocked(d *decoder, m *PublishBlocked) {
	track := d.fullTrackName()
	m.Suffix, m.Name = track.Namespace, track.Name
}
