package sfu

import (
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// rebaseAfter is how far the timestamps of a publisher that is back may be from what
// the clock says before they are moved.
const rebaseAfter = 10 * time.Second

// track is one track of a stream. It outlives its publisher: the next one of the same
// name carries on in it, so that viewers stay. The fields from started to lastAt belong
// to who has the turn to forward.
type track struct {
	local  *webrtc.TrackLocalStaticRTP
	engine *engine
	clock  uint32 // Hz
	video  bool

	started   bool
	sequence  uint16 // what is added to sequence numbers
	timestamp uint32 // what is added to timestamps
	last      rtp.Header
	lastAt    time.Time

	turn chan struct{} // has an element while somebody forwards
	keys keyRequests
}

// begin makes the numbers of a new publisher follow those of the one before.
func (t *track) begin(first *rtp.Header, now time.Time) {
	if !t.started {
		t.started = true
		return
	}
	t.sequence = t.last.SequenceNumber + 1 - first.SequenceNumber
	t.timestamp = 0
	expected := t.last.Timestamp + uint32(now.Sub(t.lastAt).Seconds()*float64(t.clock))
	apart := time.Duration(int32(first.Timestamp-expected)) * time.Second / time.Duration(t.clock)
	if apart.Abs() > rebaseAfter {
		t.timestamp = expected - first.Timestamp
	}
}

// forward passes a packet on to all viewers. A viewer that cannot be written to
// does not keep the others from theirs; its own session finds out.
func (t *track) forward(p *rtp.Packet, now time.Time) {
	p.SequenceNumber += t.sequence
	p.Timestamp += t.timestamp
	if int16(p.SequenceNumber-t.last.SequenceNumber) > 0 || t.lastAt.IsZero() {
		t.last.SequenceNumber, t.last.Timestamp, t.lastAt = p.SequenceNumber, p.Timestamp, now
	}
	_ = t.local.WriteRTP(p)
	if p.Marker || !t.video {
		t.engine.flush()
	}
}

// keyRequests passes viewers' requests for key frames on to the publisher of the
// moment, but not more often than useful. Safe for concurrent use.
type keyRequests struct {
	every time.Duration

	mu   sync.Mutex
	ask  func() // guarded by mu; nil without publisher
	last time.Time
	late *time.Timer // guarded by mu; a request that waits
}

// publisher sets who is asked, nil for nobody. ask is called with mu held and must not
// wait.
func (k *keyRequests) publisher(ask func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ask = ask
	if k.late != nil {
		k.late.Stop()
		k.late = nil
	}
	k.last = time.Time{}
}

// request asks now, or as soon as the last request is long enough ago: who asks in
// between may have joined after the key frame that was asked for.
func (k *keyRequests) request() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ask == nil || k.late != nil {
		return
	}
	if wait := k.every - time.Since(k.last); wait > 0 && !k.last.IsZero() {
		k.late = time.AfterFunc(wait, k.due)
		return
	}
	k.send()
}

func (k *keyRequests) due() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.late == nil {
		return
	}
	k.late = nil
	k.send()
}

// send is called with mu held.
func (k *keyRequests) send() {
	k.last = time.Now()
	if k.ask != nil {
		k.ask()
	}
}
