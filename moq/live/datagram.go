package live

import "moqedge/moq/wire"

// AppendDatagram adds an object that is delivered as a datagram (moqt-18
// §11.3). A duplicate is dropped. Ownership of its byte slices passes to the
// track. It returns ErrClosed, or a *MalformedError.
func (t *Track) AppendDatagram(d wire.Datagram) error {
	o := &Object{Group: d.Group, ID: d.ID, Datagram: true, EndOfGroup: d.EndOfGroup, Status: d.Status, Properties: d.Properties, Arrived: t.options.Now()}
	o.setPayload(d.Payload)
	t.mu.Lock()
	if t.done != nil {
		t.mu.Unlock()
		return ErrClosed
	}
	o.Priority = d.Priority.Or(t.info.PublisherPriority)
	g := t.groupFor(d.Group)
	o.in = g
	a := arrival{
		at: o.Location(), datagram: true, endOfGroup: d.EndOfGroup, priority: o.Priority,
		status: d.Status, properties: d.Properties, size: o.Size,
	}
	known, drop, err := t.judge(g, &a)
	if err == nil && known != nil && !known.holds(0, d.Payload) {
		err = malformed("object %v came twice, each time with another payload", a.at)
	}
	if err != nil || known != nil || drop {
		t.mu.Unlock()
		if err != nil {
			return err
		}
		return nil
	}
	t.learn(g, &a)
	g.insert(o)
	o.late = t.datagrams.append(o) + 1
	t.news.Add(1)
	t.raise(a.at)
	t.account(g, o)
	t.mu.Unlock()
	t.notify()
	return nil
}
