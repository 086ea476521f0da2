package relay_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"moqedge/moq"
	"moqedge/moq/live"
	"moqedge/moq/wire"
)

// production is a track that is published at a steady rate, and an account of it.
type production struct {
	name      wire.FullTrackName
	track     *live.Track
	every     time.Duration
	objects   int // of a group
	subgroups int // 0: datagrams
	size      func(id uint64) int

	mu        sync.Mutex
	published []published
	pauses    []pause // of links that carried it, and that nobody may have noticed
}

// pause is a time in which packets were lost.
type pause struct{ from, to time.Time }

// lose notes that datagrams that were published in a time may be lost for good.
func (p *production) lose(from, to time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauses = append(p.pauses, pause{from, to})
}

// mayLack reports whether an object that was published then may be lost. The caller
// holds mu.
func (p *production) mayLack(when time.Time) bool {
	return p.subgroups == 0 && slices.ContainsFunc(p.pauses, func(x pause) bool { return !when.Before(x.from) && !x.to.Before(when) })
}

// published is an object and when it was.
type published struct {
	at   wire.Location
	when time.Time
}

func newProduction(name string, every time.Duration, objects, subgroups int, size func(id uint64) int) *production {
	p := &production{name: wire.FullTrackName{Namespace: camera.Namespace, Name: name}, every: every, objects: objects, subgroups: subgroups, size: size}
	p.track = live.NewTrack(p.name, live.Options{RetainGroups: 3, RetainFor: 20 * time.Second})
	return p
}

// payloadAt is what an object holds: it depends on its place alone.
func payloadAt(at wire.Location, size int) []byte {
	b := make([]byte, size)
	for i := 0; i+16 <= size; i += 16 {
		binary.BigEndian.PutUint64(b[i:], at.Group)
		binary.BigEndian.PutUint32(b[i+8:], uint32(at.Object))
		binary.BigEndian.PutUint32(b[i+12:], uint32(i))
	}
	return b
}

// run publishes until ctx is done, and on to the end of the group.
func (p *production) run(ctx context.Context, t *testing.T) {
	ticks := time.NewTicker(p.every)
	defer ticks.Stop()
	for g := uint64(0); ctx.Err() == nil; g++ {
		writers := make([]*live.SubgroupWriter, p.subgroups)
		for id := range uint64(p.objects) {
			at := wire.Location{Group: g, Object: id}
			payload := payloadAt(at, p.size(id))
			var err error
			if p.subgroups == 0 {
				err = p.track.AppendDatagram(wire.Datagram{Group: g, ID: id, Payload: payload, EndOfGroup: int(id) == p.objects-1})
			} else {
				sub := id % uint64(p.subgroups)
				if writers[sub] == nil {
					writers[sub], err = p.track.OpenSubgroup(live.SubgroupInfo{
						Group: g, ID: sub, Priority: 128, FirstObject: true, EndOfGroup: (p.objects-1)%p.subgroups == int(sub),
					})
				}
				if err == nil {
					err = writers[sub].Append(live.WholeObject{ID: id, Payload: payload})
				}
				if int(id)+p.subgroups >= p.objects && err == nil {
					err = writers[sub].Close()
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
			p.mu.Lock()
			p.published = append(p.published, published{at, time.Now()})
			p.mu.Unlock()
			<-ticks.C
		}
	}
}

// start has productions run, until the returned function is called: then they
// end with their group.
func start(t *testing.T, all ...*production) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, p := range all {
		tasks.Go(func() { p.run(ctx, t) })
	}
	return func() { cancel(); tasks.Wait() }
}

// witness is a subscriber that keeps account of what it gets.
type witness struct {
	t        *testing.T
	session  *moq.Session
	counters *moq.Counters
	tracks   []*account
	tasks    sync.WaitGroup
}

// account is what a witness got of a track.
type account struct {
	of     *production
	sub    *moq.Subscription
	cancel context.CancelFunc

	mu      sync.Mutex
	first   uint64 // the first group
	got     map[wire.Location]int
	last    time.Time     // of an arrival
	longest time.Duration // without one
	order   map[uint64]uint64
	bad     []string
}

// witnessOn subscribes to productions on a session, which has these counters,
// each from the start of its current group.
func witnessOn(t *testing.T, s *moq.Session, counters *moq.Counters, all ...*production) *witness {
	t.Helper()
	v := &witness{t: t, session: s, counters: counters}
	for _, p := range all {
		into := live.NewTrack(p.name, live.Options{RetainGroups: 200}) // the reader may be late: groups of one object come in bursts
		sub, err := v.session.Subscribe(t.Context(), p.name, moq.SubscribeOptions{Into: into, JoinGroups: wire.Some(uint64(0))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		a := &account{of: p, sub: sub, cancel: cancel, got: map[wire.Location]int{}, order: map[uint64]uint64{}}
		v.tracks = append(v.tracks, a)
		reader := sub.Track().NewReader(wire.Location{})
		v.tasks.Go(func() {
			defer reader.Close()
			for {
				o, err := reader.Next(ctx)
				if err != nil {
					return
				}
				a.take(o)
			}
		})
	}
	return v
}

func (a *account) take(o *live.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	if len(a.got) == 0 {
		a.first = o.Group
	} else if d := now.Sub(a.last); d > a.longest {
		a.longest = d
	}
	a.last = now
	a.first = min(a.first, o.Group)
	a.got[o.Location()]++
	if !bytes.Equal(o.Payload(), payloadAt(o.Location(), a.of.size(o.ID))) {
		a.bad = append(a.bad, fmt.Sprintf("%v has another payload", o.Location()))
	}
	if subgroups := uint64(a.of.subgroups); subgroups > 0 { // in order within a subgroup
		key := o.Group*subgroups + o.Subgroup
		if next, seen := a.order[key]; seen && o.ID < next {
			a.bad = append(a.bad, fmt.Sprintf("%v came after object %d of its subgroup", o.Location(), next-1))
		}
		a.order[key] = o.ID + 1
	}
}

// silence returns the longest time without an object since the last call.
func (a *account) silence() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := max(a.longest, time.Since(a.last))
	a.longest = 0
	return d
}

// onTheWay is how long an object may be, after all else has settled.
const onTheWay = 500 * time.Millisecond

// restart has silence count from now on.
func (a *account) restart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last, a.longest = time.Now(), 0
}

// check compares what was published, from the group that the account begins
// with, with what came.
func (a *account) check() (faults []string) {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	published := a.of.published
	until := time.Now().Add(-onTheWay)
	a.mu.Lock()
	defer a.mu.Unlock()
	faults = a.bad
	var missing []wire.Location
	for _, p := range published {
		at := p.at
		if at.Group < a.first || until.Before(p.when) {
			continue
		}
		switch n := a.got[at]; {
		case n == 0 && !a.of.mayLack(p.when):
			missing = append(missing, at)
		case n > 1:
			faults = append(faults, fmt.Sprintf("%v came %d times", at, n))
		}
	}
	if n := len(missing); n > 0 {
		faults = append(faults, fmt.Sprintf("%d objects are missing: %v", n, missing[:min(n, 10)]))
	}
	if d := a.sub.Result(); d != nil {
		faults = append(faults, fmt.Sprintf("the subscription ended: %+v", *d))
	}
	return faults
}

// leave ends the witness.
func (v *witness) leave() {
	for _, a := range v.tracks {
		a.cancel()
	}
	v.tasks.Wait()
	closeSession(v.session)
}

// faults returns all that is wrong with what the witness got: every object of
// every group has to have come once, on the wire.
func (v *witness) faults() (out []string) {
	objects := 0
	for _, a := range v.tracks {
		for _, fault := range a.check() {
			out = append(out, a.of.name.Name+": "+fault)
		}
		objects += len(a.got)
	}
	if v.session.Context().Err() != nil {
		out = append(out, fmt.Sprintf("the session ended: %v", context.Cause(v.session.Context())))
	}
	if wire := int(v.counters.Objects.Load() + v.counters.Datagrams.Load()); wire > objects {
		out = append(out, fmt.Sprintf("%d objects on the wire, %d of them twice", wire, wire-objects))
	}
	return out
}

// check wants that nothing is wrong with what the witnesses got.
func check(t *testing.T, witnesses []*witness) {
	t.Helper()
	for n, v := range witnesses {
		for i, fault := range v.faults() {
			if i < 5 {
				t.Errorf("witness %d, %s", n, fault)
			}
		}
	}
}

// silence returns the longest time without an object of one of the tracks since
// the last call.
func (v *witness) silence() (longest time.Duration, of string) {
	for _, a := range v.tracks {
		if d := a.silence(); d > longest {
			longest, of = d, a.of.name.Name
		}
	}
	return longest, of
}
