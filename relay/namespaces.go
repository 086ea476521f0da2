package relay

import (
	"context"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// publishNamespace keeps a namespace in the table while it is announced.
func (h handler) publishNamespace(ctx context.Context, r *moq.PublishNamespaceRequest) {
	relay, s := h.relay, r.Session()
	if h.link != nil { // what it has is told by SUBSCRIBE_NAMESPACE; this adds to it
		c := &connection{link: h.link, session: s}
		c.NamespaceAdded(r.Namespace)
		r.Accept()
		<-ctx.Done()
		c.NamespaceRemoved(r.Namespace)
		return
	}
	relay.log.Info("namespace announced", "namespace", r.Namespace.String(), "remote", s.Conn().Info().RemoteAddr.String())
	relay.local.Add(r.Namespace, s)
	relay.all.Add(r.Namespace, source{session: s})
	r.Accept() // who hears of the answer finds the namespace
	relay.announced(r.Namespace, source{session: s})
	relay.publishes.announce()
	<-ctx.Done()
	relay.local.Remove(r.Namespace, s)
	relay.all.Remove(r.Namespace, source{session: s})
	relay.log.Info("namespace withdrawn", "namespace", r.Namespace.String())
}

// subscribeNamespace tells of all namespaces below a prefix, the subscriber's
// own included (moqt-18 §6.1).
func (h handler) subscribeNamespace(ctx context.Context, r *moq.SubscribeNamespaceRequest) {
	if h.relay.tooLarge(r.Prefix, false) {
		r.Reject(wire.RequestNamespaceTooLarge, "more namespaces than this relay tells of", moq.NoRetry())
		return
	}
	r.Follow(ctx, func(w moq.NamespaceEvents) func() { return h.relay.all.Watch(w) })
}
