package moq

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"moqedge/moq/live"
	"moqedge/moq/transport"
	"moqedge/moq/wire"
)

// FetchOptions say what to fetch.
type FetchOptions struct {
	// Into names the track, and the objects are inserted into it. It is required,
	// and forgets groups as its live.Options say: for long ranges raise them.
	Into *live.Track
	// First and Last bound the range, both inclusive. A Last.Object of
	// math.MaxUint64 asks for the whole group.
	First, Last wire.Location
	// Params are sent with FETCH; Filter is set from First and Last.
	Params wire.Parameters
	// Failed is told why the fetch failed, before Into is: true says that
	// somebody else fetches the range, so that readers of Into go on waiting for
	// it. It must not block; nil is the same as false.
	Failed func(err error) bool
}

// Fetch is a request for a range of objects. It ends when all of them are in
// the track, or with an error.
type Fetch struct {
	session *Session
	id      uint64
	track   *live.Track
	order   wire.GroupOrder
	fillOf  *Subscription // set: the stream is a fill of it
	failed  func(error) bool
	open    bool // it ends with what was published when the publisher looked
	ctx     context.Context
	cancel  context.CancelFunc

	mu       sync.Mutex
	stream   transport.ReceiveStream
	range_   wire.Option[live.Range] // announced to the track by ExpectFill
	unknown  []live.Range            // what the publisher could not speak for
	accepted bool                    // FETCH_OK came
	end      wire.Location           // with accepted and open: the last location that it covers
	complete bool                    // the data stream ended with FIN
	finished bool
	err      error
	done     chan struct{}
	patience *time.Timer // for the end of the request once all is there
	absent   *time.Timer // for the beginning of the data stream
}

// newFetch makes a fetch, whose data stream may arrive once adopt has named it.
func (s *Session) newFetch(into *live.Track, order wire.GroupOrder) *Fetch {
	f := &Fetch{session: s, track: into, order: order, done: make(chan struct{})}
	f.ctx, f.cancel = context.WithCancel(s.ctx)
	return f
}

// adopt lets the data stream of a request ID in.
func (f *Fetch) adopt(id uint64) {
	s := f.session
	s.mu.Lock()
	defer s.mu.Unlock()
	f.id = id
	put(&s.fetches, id, f)
}

// Fetch asks the peer for a range of a track (moqt-18 §10.12). It does not wait: see
// Fetch.Wait. Objects are in o.Into as soon as their bytes arrive; o.Into is not
// closed when all of them are.
func (s *Session) Fetch(o FetchOptions) *Fetch {
	f := s.newFetch(o.Into, o.Params.GroupOrder.Or(wire.GroupOrderAscending))
	f.failed = o.Failed
	r := live.Range{From: o.First, To: o.Last.Next()}
	f.expect(r)
	params := o.Params
	filter := wire.Filter{Type: wire.FilterAbsoluteRange, Start: o.First, EndGroup: o.Last.Group}
	if o.Last.Object != math.MaxUint64 {
		filter.EndObject = wire.Some(o.Last.Object)
	}
	params.Filter = wire.Some(filter)
	if err := s.checkRanges(wire.MsgFetch, &params); err != nil {
		f.finish(err)
		return f
	}
	s.tasks.Go(func() {
		f.run(func(id uint64) wire.Message {
			f.adopt(id)
			return &wire.Fetch{RequestID: id, Kind: wire.FetchStandalone, Track: o.Into.Name(), Params: params}
		}, nil)
	})
	return f
}

// expect makes readers of the track wait for what the fetch brings.
func (f *Fetch) expect(r live.Range) {
	f.track.ExpectFill(r)
	f.mu.Lock()
	late := f.finished
	f.range_ = wire.Some(r)
	err, unknown := f.err, f.unknown
	f.mu.Unlock()
	if late {
		f.endFill(r, err, unknown)
	}
}

// endFill tells the track that the fetch is over. Of one that ended before the
// range announced for it the rest is fetched anew; that fetch is returned.
func (f *Fetch) endFill(r live.Range, err error, unknown []live.Range) (rest *Fetch) {
	nothing := errors.Is(err, &RequestError{Request: wire.MsgFetch, Code: wire.RequestInvalidRange})
	left := r
	if err == nil && left.From.Less(f.end.Next()) {
		left.From = f.end.Next()
	}
	switch {
	case f.open && (err == nil || nothing) && !left.Empty():
		last := wire.Location{Group: left.To.Group, Object: left.To.Object - 1}
		if left.To.Object == 0 {
			last = wire.Location{Group: left.To.Group - 1, Object: math.MaxUint64}
		}
		rest = f.session.Fetch(FetchOptions{Into: f.track, First: left.From, Last: last, Failed: f.failed})
		r.To = left.From
	case err != nil && f.failed != nil && f.failed(err):
		return nil
	}
	f.track.EndFill(r, err == nil || nothing, unknown...)
	return rest
}

// run makes the request and waits for its end. written, when there is one, is
// called as soon as the request is on its way.
func (f *Fetch) run(build func(id uint64) wire.Message, written func()) {
	var sent *wire.Fetch
	x, answer, err := f.session.request(f.ctx, wire.MsgFetch, func(id uint64) wire.Message {
		m := build(id)
		sent = m.(*wire.Fetch)
		return m
	}, written)
	if err != nil {
		f.finish(err)
		return
	}
	ok, isOK := answer.(*wire.FetchOK)
	if !isOK {
		f.finish(x.unexpected(answer))
		return
	}
	if err := f.check(sent, ok); err != nil {
		x.cancel(wire.ResetCancelled)
		x.free()
		f.finish(err)
		return
	}
	f.mu.Lock()
	f.end = ok.End
	f.mu.Unlock()
	f.accept()
	stop := context.AfterFunc(f.ctx, func() { f.leave(x) })
	err = x.follow(func(m wire.Message) error { return x.unexpected(m) })
	if stop() && !errors.Is(err, io.EOF) {
		f.finish(err)
	}
	f.mu.Lock()
	if f.patience != nil {
		f.patience.Stop()
	}
	f.mu.Unlock()
	select {
	case <-f.done:
	case <-f.ctx.Done():
		f.finish(context.Cause(f.ctx))
	}
}

// check refuses an answer that is a fault of the peer (moqt-18 §10.13), or that
// carries properties which must be understood and are not (moqt-18 §2.5.1).
func (f *Fetch) check(m *wire.Fetch, ok *wire.FetchOK) error {
	if m.Kind == wire.FetchStandalone && ok.End.Less(m.Params.Filter.Value.Start) {
		err := violation("FETCH_OK ends before the range begins")
		f.session.fail(err)
		return err
	}
	if ok.EndOfTrack {
		if err := f.track.EndAt(ok.End); err != nil {
			f.session.malformed(f.track.Name(), err.Error())
			return &RequestError{Request: wire.MsgFetch, Code: wire.RequestMalformedTrack, Reason: err.Error()}
		}
	}
	info, err := ok.TrackProperties.TrackInfo()
	if err != nil {
		f.session.fail(err)
		return err
	}
	return f.session.understood(wire.MsgFetch, info)
}

// leave ends the request: in order after all of it came, when the publisher has
// a while to do the same, else by cancelling it.
func (f *Fetch) leave(x *exchange) {
	if f.Err() != nil {
		x.cancel(wire.ResetCancelled)
		return
	}
	x.finish(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.patience == nil {
		f.patience = time.AfterFunc(f.session.config.RequestTimeout, func() { x.cancel(wire.ResetCancelled) })
	}
}

// errNoFetchStream ends a fetch that the publisher agreed to and does not send. A
// stream that is reset at once shows nothing of itself.
var errNoFetchStream = errors.New("moq: the fetch stream did not come")

// accept notes that the publisher has agreed to send.
func (f *Fetch) accept() {
	f.mu.Lock()
	f.accepted = true
	complete := f.complete
	if f.stream == nil && !f.finished {
		f.absent = time.AfterFunc(f.session.config.DataTimeout, func() {
			f.mu.Lock()
			begun := f.stream != nil
			f.mu.Unlock()
			if !begun {
				f.finish(errNoFetchStream)
			}
		})
	}
	f.mu.Unlock()
	if complete {
		f.finish(nil)
	}
}

// streamEnd takes in how the data stream ended.
func (f *Fetch) streamEnd(err error) error {
	if err == io.EOF {
		f.mu.Lock()
		f.complete = true
		accepted := f.accepted
		f.mu.Unlock()
		if accepted {
			f.finish(nil)
		}
		return nil
	}
	var reset *transport.StreamError
	if errors.As(err, &reset) {
		err = errors.New("moq: fetch stream reset: " + f.session.version.ResetCode(reset.Code).String())
	}
	f.finish(err)
	return err
}

// finish ends the fetch; only the first call has an effect.
func (f *Fetch) finish(err error) {
	f.mu.Lock()
	if f.finished {
		f.mu.Unlock()
		return
	}
	f.finished, f.err = true, err
	r, unknown, stream := f.range_, f.unknown, f.stream
	if f.absent != nil {
		f.absent.Stop()
	}
	f.mu.Unlock()
	f.session.mu.Lock()
	if f.session.fetches[f.id] == f {
		delete(f.session.fetches, f.id)
	}
	f.session.mu.Unlock()
	if err != nil && stream != nil {
		f.session.stopStream(stream, wire.ResetCancelled)
	}
	var rest *Fetch
	if r.Set {
		rest = f.endFill(r.Value, err, unknown)
	}
	f.cancel()
	if rest == nil {
		close(f.done)
		return
	}
	f.session.tasks.Go(func() {
		<-rest.done
		close(f.done)
	})
}

// Close gives the fetch up; it has no effect on one that is done.
func (f *Fetch) Close() { f.finish(context.Canceled) }

func (f *Fetch) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.finished
}

// Done is closed when the fetch is over.
func (f *Fetch) Done() <-chan struct{} { return f.done }

// Err says why the fetch failed, nil when it did not or is not over. The error is as
// for Session.Subscribe; INVALID_RANGE says that nothing was published there.
func (f *Fetch) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Wait waits until the fetch is over and returns Err, or until ctx is done and
// returns its cause: the fetch goes on then, unless it is closed.
func (f *Fetch) Wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.Err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
