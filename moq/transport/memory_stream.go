package transport

import (
	"context"
	"io"
	"os"
	"sync"
	"time"
)

// memoryStream joins two pipes to a bidirectional stream.
type memoryStream struct {
	SendStream
	ReceiveStream
}

// memoryPipe is one direction of a stream, with both its ends. The callbacks
// are set before the pipe is used; each runs at most once, without the lock,
// and does not block.
type memoryPipe struct {
	from, to *memoryConn
	ctx      context.Context // of the sending end
	cancel   context.CancelCauseFunc

	onFirst    func() // something was sent: the receiving end learns of the stream
	onSent     func() // nothing more will be sent
	onReceived func() // the reader has seen the end, or does not want it

	mu       sync.Mutex // guards all below
	buf      []byte
	reliable int // bytes at the front of buf that survive a reset
	fin      bool
	reset    *uint64 // code of the writer
	stop     *uint64 // code of the reader
	seen     bool    // the reader got FIN or the reset
	shut     bool    // the connection ended
	begun    bool    // onFirst was called
	sent     bool    // onSent was called
	received bool    // onReceived was called
	readBy   time.Time
	writeBy  time.Time
	changed  chan struct{} // closed and replaced at every change
}

var (
	_ SendStream    = (*memoryPipe)(nil)
	_ ReceiveStream = (*memoryPipe)(nil)
)

func newMemoryPipe(from, to *memoryConn) *memoryPipe {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &memoryPipe{from: from, to: to, ctx: ctx, cancel: cancel, changed: make(chan struct{})}
}

// unlock ends a change of the fields: it wakes whoever waits on the pipe and
// reports what became true.
func (p *memoryPipe) unlock() {
	close(p.changed)
	p.changed = make(chan struct{})
	var calls []func()
	once := func(done *bool, now bool, call func()) {
		if now && !*done && !p.shut {
			*done = true
			if call != nil {
				calls = append(calls, call)
			}
		}
	}
	once(&p.begun, len(p.buf) > 0 || p.fin || p.reset != nil, p.onFirst)
	once(&p.sent, p.fin || p.reset != nil || p.stop != nil, p.onSent)
	once(&p.received, p.seen || p.stop != nil, p.onReceived)
	if p.sent && p.received {
		calls = append(calls, func() { p.from.link.remove(p) })
	}
	p.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

// wait releases the lock until the pipe changes or the deadline passes.
func (p *memoryPipe) wait(deadline time.Time) {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	if deadline.IsZero() {
		<-changed
		return
	}
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	}
}

func passed(deadline time.Time) bool {
	return !deadline.IsZero() && !time.Now().Before(deadline)
}

// unwritable is why nothing can be written any more, nil while something can.
func (p *memoryPipe) unwritable() error {
	switch {
	case p.shut:
		return context.Cause(p.from.ctx)
	case p.reset != nil:
		return &StreamError{Code: *p.reset}
	case p.stop != nil:
		return &StreamError{Code: *p.stop, Remote: true}
	case p.fin:
		return errWriteAfterClose
	}
	return nil
}

// TryWrite implements SendStream.
func (p *memoryPipe) TryWrite(b []byte) (bool, error) { return p.tryWrite(b, false) }

// WriteReliable implements SendStream.
func (p *memoryPipe) WriteReliable(b []byte) (bool, error) { return p.tryWrite(b, true) }

func (p *memoryPipe) tryWrite(b []byte, reliable bool) (bool, error) {
	p.mu.Lock()
	if err := p.unwritable(); err != nil || len(b) > p.from.config.StreamBuffer-len(p.buf) {
		p.mu.Unlock()
		return false, err
	}
	p.buf = append(p.buf, b...)
	if reliable {
		p.reliable = len(p.buf)
	}
	p.from.sent.Add(uint64(len(b)))
	p.unlock()
	return true, nil
}

func (p *memoryPipe) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	for {
		err = p.unwritable()
		if err == nil && passed(p.writeBy) {
			err = os.ErrDeadlineExceeded
		}
		if err != nil || n == len(b) {
			p.mu.Unlock()
			return n, err
		}
		if room := min(p.from.config.StreamBuffer-len(p.buf), len(b)-n); room > 0 {
			p.buf = append(p.buf, b[n:n+room]...)
			n += room
			p.from.sent.Add(uint64(room))
			p.unlock()
			if n == len(b) {
				return n, nil
			}
			p.mu.Lock()
			continue
		}
		p.wait(p.writeBy)
	}
}

func (p *memoryPipe) Read(b []byte) (n int, err error) {
	p.mu.Lock()
	for {
		switch {
		case p.shut:
			err = context.Cause(p.to.ctx)
		case p.stop != nil:
			err = &StreamError{Code: *p.stop}
		case p.seen && p.fin:
			err = io.EOF
		case p.seen:
			err = &StreamError{Code: *p.reset, Remote: true}
		case passed(p.readBy):
			err = os.ErrDeadlineExceeded
		}
		if err != nil || len(b) == 0 {
			p.mu.Unlock()
			return 0, err
		}
		if len(p.buf) == 0 && !p.fin && p.reset == nil {
			p.wait(p.readBy)
			continue
		}
		n = copy(b, p.buf)
		p.buf = p.buf[n:]
		p.reliable = max(0, p.reliable-n)
		p.to.received.Add(uint64(n))
		// As QUIC may do, the last bytes come together with the end.
		if len(p.buf) == 0 {
			p.buf = nil
			switch {
			case p.reset != nil:
				p.seen, err = true, &StreamError{Code: *p.reset, Remote: true}
			case p.fin:
				p.seen, err = true, io.EOF
			}
		}
		p.unlock()
		return n, err
	}
}

func (p *memoryPipe) Close() error {
	p.mu.Lock()
	if p.shut || p.reset != nil || p.stop != nil || p.fin {
		p.mu.Unlock()
		return nil
	}
	p.fin = true
	p.unlock()
	p.cancel(nil)
	return nil
}

func (p *memoryPipe) Reset(code uint64) {
	p.mu.Lock()
	if p.shut || p.seen || p.reset != nil || p.stop != nil {
		p.mu.Unlock()
		return
	}
	p.fin = false
	p.reset = &code
	p.buf = p.buf[:p.reliable]
	p.unlock()
	p.cancel(&StreamError{Code: code})
}

func (p *memoryPipe) Stop(code uint64) {
	p.mu.Lock()
	if p.shut || p.seen || p.stop != nil {
		p.mu.Unlock()
		return
	}
	p.stop = &code
	p.buf = nil
	p.reliable = 0
	p.unlock()
	p.cancel(&StreamError{Code: code, Remote: true})
}

// SetUrgency implements SendStream: memory sends at once.
func (*memoryPipe) SetUrgency(Urgency) {}

func (p *memoryPipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	p.writeBy = t
	p.unlock()
	return nil
}

func (p *memoryPipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	p.readBy = t
	p.unlock()
	return nil
}

func (p *memoryPipe) Context() context.Context { return p.ctx }

// end is called when the connection ended.
func (p *memoryPipe) end() {
	p.mu.Lock()
	p.shut = true
	p.buf = nil
	p.unlock()
	p.cancel(context.Cause(p.from.ctx))
}
