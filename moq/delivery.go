package moq

import (
	"sync/atomic"

	"moqedge/moq/deliver"
	"moqedge/moq/live"
)

// Delivery is what was sent of a subscription of the peer, and how it ended.
type Delivery struct {
	deliver.Sent
	// Done is what PUBLISH_DONE said, or is about to; nil when the publisher did not
	// end the subscription: the peer left, or its session did.
	Done *live.Done
}

// sent reads it without a lock; of what was not established it is zero.
func (v *served) sent() deliver.Sent {
	select {
	case <-v.settled:
		if v.sending != nil {
			return v.sending.Sent()
		}
	default:
	}
	return deliver.Sent{}
}

func (v *served) delivery() Delivery {
	d := Delivery{Sent: v.sent()}
	v.session.mu.Lock()
	defer v.session.mu.Unlock()
	d.Done = v.result
	return d
}

// Sent tells what was sent so far.
func (r *SubscribeRequest) Sent() deliver.Sent { return r.served.sent() }

// Sent tells what was sent so far.
func (p *Publication) Sent() deliver.Sent { return p.served.sent() }

// Delivery tells what was sent so far, and how the subscription ended.
func (r *SubscribeRequest) Delivery() Delivery { return r.served.delivery() }

// Delivery tells what was sent so far, and how the subscription ended.
func (p *Publication) Delivery() Delivery { return p.served.delivery() }

// received counts what came by one subscription of this side.
type received struct {
	bytes, objects atomic.Uint64
	begun          func() // told of the first; may be nil
}

func (r *received) add(bytes uint64) {
	r.bytes.Add(bytes)
	if r.objects.Add(1) == 1 && r.begun != nil {
		r.begun()
	}
}

// Received tells what the publisher has sent so far: bytes of payloads, and objects
// that were begun, what was fetched besides excepted.
func (x *Subscription) Received() (bytes, objects uint64) {
	return x.received.bytes.Load(), x.received.objects.Load()
}
