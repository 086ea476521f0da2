package rtc

import (
	"context"
	"errors"
	"time"

	"github.com/pion/webrtc/v4"
)

// askAgain is how long after an answer a stream that is not there is asked for again.
const askAgain = 100 * time.Millisecond

// Await waits until a WHEP server has the stream of o.URL, as one does that looks at
// what is published before it says so. It asks as a viewer without an access line,
// and leaves when it is let in. What is not about the stream, such as a token that
// is refused, ends it at once; when ctx ends before, so does it, with the server's
// last answer if there is one.
func Await(ctx context.Context, o Options) error {
	o.Source, o.Link = nil, nil
	o, err := o.validate()
	if err != nil {
		return err
	}
	var last error // that the stream is not there
	for {
		err := ask(ctx, o)
		if err != nil && ctx.Err() != nil && last != nil {
			return last
		}
		if refused, ok := errors.AsType[*StatusError](err); !ok || !refused.isAbsent() {
			return err
		}
		last = err
		again := time.NewTimer(askAgain)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return err
		}
	}
}

// ask makes an offer, and ends what comes of it.
func ask(ctx context.Context, o Options) error {
	nobody := func(*webrtc.TrackRemote, *webrtc.RTPReceiver) packetReader { return nil }
	r, err := newReceiver(o, []bool{true, false}, nobody)
	if err != nil {
		return err
	}
	err = r.connect(ctx)
	r.leave(ctx)
	return err
}
