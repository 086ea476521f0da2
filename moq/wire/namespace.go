package wire

// PublishNamespace is PUBLISH_NAMESPACE (moqt-18 §10.15).
type PublishNamespace struct {
	RequestID uint64
	Namespace Namespace
	Params    Parameters
}

// Type returns MsgPublishNamespace.
func (*PublishNamespace) Type() MessageType { return MsgPublishNamespace }

func encodePublishNamespace(e *encoder, m *PublishNamespace) {
	e.varint(m.RequestID)
	e.namespace(m.Namespace)
	e.parameters(&m.Params, inPublishNamespace)
}

func decodePublishNamespace(d *decoder, m *PublishNamespace) {
	m.RequestID = d.varint()
	m.Namespace = d.namespace()
	d.parameters(&m.Params, inPublishNamespace)
}

// SubscribeNamespace is SUBSCRIBE_NAMESPACE (moqt-18 §10.18).
type SubscribeNamespace struct {
	RequestID uint64
	Prefix    Namespace
	Params    Parameters
}

// Type returns MsgSubscribeNamespace.
func (*SubscribeNamespace) Type() MessageType { return MsgSubscribeNamespace }

func encodeSubscribeNamespace(e *encoder, m *SubscribeNamespace) {
	e.varint(m.RequestID)
	e.namespace(m.Prefix)
	e.parameters(&m.Params, inSubscribeNamespace)
}

func decodeSubscribeNamespace(d *decoder, m *SubscribeNamespace) {
	m.RequestID = d.varint()
	m.Prefix = d.namespace()
	d.parameters(&m.Params, inSubscribeNamespace)
}

// SubscribeTracks is SUBSCRIBE_TRACKS (moqt-18 §10.19).
type SubscribeTracks struct {
	RequestID uint64
	Prefix    Namespace
	Params    Parameters
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
// subscribed to exists.
type NamespaceMsg struct{ Suffix Namespace }

// Type returns MsgNamespace.
func (*NamespaceMsg) Type() MessageType { return MsgNamespace }

func encodeNamespaceMsg(e *encoder, m *NamespaceMsg) { e.namespace(m.Suffix) }
func decodeNamespaceMsg(d *decoder, m *NamespaceMsg) { m.Suffix = d.namespace() }

// NamespaceDone is NAMESPACE_DONE (moqt-18 §10.17).
type NamespaceDone struct{ Suffix Namespace }

// Type returns MsgNamespaceDone.
func (*NamespaceDone) Type() MessageType { return MsgNamespaceDone }

func encodeNamespaceDone(e *encoder, m *NamespaceDone) { e.namespace(m.Suffix) }
func decodeNamespaceDone(d *decoder, m *NamespaceDone) { m.Suffix = d.namespace() }

// PublishBlocked is PUBLISH_BLOCKED (moqt-18 §10.20).
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
