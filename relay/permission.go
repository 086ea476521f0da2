package relay

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"moqedge/moq"
	"moqedge/moq/wire"
)

// permission is what a request, or a session, goes on for: until its time is over
// and the Authorizer does not permit more, or until it is removed.
type permission struct {
	relay   *Relay
	ctx     context.Context // of what is permitted
	action  Action          // without tokens
	subject string          // whose token permitted it at first
	end     func(err *moq.RequestError)
	parent  *permission // what it was derived from: its tokens are those of that; nil: none

	// Guarded by the mu of permissions.
	own   []wire.Token // besides those of the session
	until time.Time
	at    int    // in the heap, from 1 on; 0: it is not in
	again func() // see whenAgain; nil: nobody wants to know
}

// whenAgain has f called whenever the permission was asked about again and goes on: what
// it lets through may be something else from then on. f must not block. It is set before
// anything is let through. Of nil, which lets everything through, there is nothing to
// tell.
func (p *permission) whenAgain(f func()) {
	if p == nil {
		return
	}
	l := &p.relay.permissions
	l.mu.Lock()
	defer l.mu.Unlock()
	p.again = f
}

// renew is what a REQUEST_UPDATE is asked about by (moq.Permission.Renew): with
// tokens they replace those that the request came with, and may extend it.
func (p *permission) renew(params wire.Parameters) (time.Time, error) {
	own := params.AuthTokens
	if len(own) == 0 {
		own = p.tokens()
	}
	update := p.action
	update.Verb = VerbUpdate
	if _, err := p.relay.authorize(p.ctx, update, own); err != nil {
		return time.Time{}, err
	}
	l := &p.relay.permissions
	if len(params.AuthTokens) == 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		return p.until, nil
	}
	verdict, err := p.relay.authorize(p.ctx, p.action, own)
	if err != nil {
		return time.Time{}, err
	}
	l.extend(p, own, verdict.Until)
	return verdict.Until, nil
}

// prefix is asked about another prefix of a request for namespaces or tracks.
func (p *permission) prefix(prefix wire.Namespace, params wire.Parameters) error {
	a := p.action
	a.Track.Namespace = prefix
	_, err := p.relay.authorize(p.ctx, a, p.tokens())
	return err
}

// holder is whom the token was issued to that it rests on; of nil, "".
func (p *permission) holder() string {
	if p == nil {
		return ""
	}
	return p.subject
}

// tokens are those that the request is permitted by, besides those of the session.
func (p *permission) tokens() []wire.Token {
	l := &p.relay.permissions
	l.mu.Lock()
	defer l.mu.Unlock()
	for p.own == nil && p.parent != nil {
		p = p.parent
	}
	return p.own
}

// over is called when the time of a permission has come: it is asked about again,
// which costs a goroutine for as long as that takes.
func (p *permission) over() {
	l := &p.relay.permissions
	verdict, err := func() (Verdict, error) {
		defer l.asked()
		return p.relay.ask(p.ctx, p.action, p.tokens())
	}()
	switch {
	case p.ctx.Err() != nil:
	case err == nil:
		l.extend(p, nil, verdict.Until)
	default:
		l.remove(p)
		refused := err.(*moq.RequestError)
		p.relay.log.Info("no longer permitted", "verb", p.action.Verb.String(), "track", p.action.Track.String(),
			"remote", p.action.Session.Conn().Info().RemoteAddr.String(), "error", refused)
		p.end(refused)
	}
}

// permissions are those of a relay, by when they end. There is one timer for all of
// them.
type permissions struct {
	relay *Relay

	mu       sync.Mutex
	sessions map[*moq.Session]*granted
	due      dueFirst
	timer    *time.Timer
	asking   int // how many are being asked about
	over     bool
}

// mostAtATime bounds how many permissions are asked about at a time when all of them are
// over at once: whoever is asked (auth.Judge) would else have no turn for most.
const mostAtATime = 256

// granted is what a session has permissions for.
type granted struct {
	all map[*permission]struct{}
	// over is why the session itself is not permitted any more: it ends as soon as
	// nothing of it is permitted for longer, by tokens of its own or for everybody.
	over *moq.RequestError
}

// outlasts reports whether something is permitted beyond a time.
func (g *granted) outlasts(now time.Time) bool {
	for p := range g.all {
		if p.until.IsZero() || p.until.After(now) {
			return true
		}
	}
	return false
}

// longestSleep bounds how long the timer runs: the ends are times of the day, which may
// be set while it does.
const longestSleep = time.Minute

func (l *permissions) add(p *permission) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.ctx.Err() != nil { // it was removed already, or is about to be
		return
	}
	g := l.sessions[p.action.Session]
	if g == nil {
		g = &granted{all: map[*permission]struct{}{}}
		if l.sessions == nil {
			l.sessions = map[*moq.Session]*granted{}
		}
		l.sessions[p.action.Session] = g
	}
	g.all[p] = struct{}{}
	l.schedule(p)
}

// extend changes when a permission ends, and its tokens when own is not nil.
func (l *permissions) extend(p *permission, own []wire.Token, until time.Time) {
	l.mu.Lock()
	if own != nil {
		p.own = own
	}
	p.until = until
	if l.has(p) {
		l.schedule(p)
		if own != nil {
			l.renewBelow(p)
		}
	}
	again := p.again
	l.mu.Unlock()
	if again != nil {
		again()
	}
}

// renewBelow has what was derived from a permission asked about with the tokens that it
// has now. The caller holds mu.
func (l *permissions) renewBelow(p *permission) {
	now := time.Now()
	for below := range l.sessions[p.action.Session].all {
		if below.parent == p {
			below.until = now
			l.schedule(below)
		}
	}
}

func (l *permissions) remove(p *permission) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.has(p) {
		return
	}
	s := p.action.Session
	g := l.sessions[s]
	delete(g.all, p)
	if p.at > 0 {
		heap.Remove(&l.due, p.at-1)
	}
	l.leave(s, g)
}

// has reports whether a permission is among them. The caller holds mu.
func (l *permissions) has(p *permission) bool {
	g := l.sessions[p.action.Session]
	if g == nil {
		return false
	}
	_, known := g.all[p]
	return known
}

// endSession has a session end that is not permitted any more, now or when what
// outlasts it does.
func (l *permissions) endSession(s *moq.Session, why *moq.RequestError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.sessions[s]
	if g == nil {
		g = &granted{}
	}
	g.over = why
	l.leave(s, g)
}

// sessionGrace is how long a session that is over stays, so that its peer is told before
// how its requests ended.
const sessionGrace = 500 * time.Millisecond

// leave forgets a session that has no permissions, and closes one that is over. The
// caller holds mu.
func (l *permissions) leave(s *moq.Session, g *granted) {
	if g.over != nil && !g.outlasts(time.Now()) {
		over := g.over
		g.over = nil
		time.AfterFunc(sessionGrace, func() { s.Close(sessionCode(over), over.Reason) })
	}
	if len(g.all) == 0 {
		delete(l.sessions, s)
	}
}

// schedule puts a permission where it belongs. The caller holds mu.
func (l *permissions) schedule(p *permission) {
	switch {
	case p.at > 0 && p.until.IsZero():
		heap.Remove(&l.due, p.at-1)
	case p.at > 0:
		heap.Fix(&l.due, p.at-1)
	case !p.until.IsZero():
		heap.Push(&l.due, p)
	}
	l.sleep()
}

// sleep sets the timer. The caller holds mu.
func (l *permissions) sleep() {
	if len(l.due) == 0 || l.over || l.asking >= mostAtATime {
		return
	}
	d := min(time.Until(l.due[0].until), longestSleep)
	if l.timer == nil {
		l.timer = time.AfterFunc(d, l.wake)
	} else {
		l.timer.Reset(d)
	}
}

// wake has those looked at whose time has come.
func (l *permissions) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for !l.over && l.asking < mostAtATime && len(l.due) > 0 && !l.due[0].until.After(now) {
		p := heap.Pop(&l.due).(*permission)
		l.asking++
		l.relay.tasks.Go(l.relay.part(p.action.Session, p.over))
	}
	l.sleep()
}

// asked ends a turn: the next one may have come.
func (l *permissions) asked() {
	l.mu.Lock()
	l.asking--
	l.mu.Unlock()
	l.wake()
}

// again has all permissions asked about anew, because what they rest on has changed.
func (l *permissions) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, g := range l.sessions {
		for p := range g.all {
			p.until = now
			l.schedule(p)
		}
	}
}

// stop ends the timer: nothing begins after it.
func (l *permissions) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.timer != nil {
		l.timer.Stop()
	}
}

// dueFirst is a heap by the time when permissions end.
type dueFirst []*permission

func (h dueFirst) Len() int           { return len(h) }
func (h dueFirst) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h dueFirst) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i+1, j+1
}

// Push implements heap.Interface.
func (h *dueFirst) Push(x any) {
	p := x.(*permission)
	*h = append(*h, p)
	p.at = len(*h)
}

// Pop implements heap.Interface.
func (h *dueFirst) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*h, p.at = old[:len(old)-1], 0
	return p
}
