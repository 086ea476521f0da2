package live

import (
	"sync"
	"sync/atomic"
	"time"

	"moqedge/moq/wire"
)

// Options of a track. The zero value is a track of an original publisher that
// keeps three groups.
type Options struct {
	// Properties are the track's properties (moqt-18 §2.5), as received.
	Properties wire.Properties
	// RetainGroups is how many of the newest groups are kept; 0 means 3.
	RetainGroups int
	// RetainFor keeps a group beyond RetainGroups while its newest object is
	// younger than this; 0 means not at all.
	RetainFor time.Duration
	// MaxBytes bounds what is kept, in bytes of memory: payload as far as it has
	// come, properties, and about 512 for each object; 0 means 64 MiB. Of a group
	// that is larger the first objects are forgotten. Objects that are still
	// arriving are kept.
	MaxBytes uint64
	// Keeper, when set, is told of all that the track keeps.
	Keeper Keeper
	// Recover says that somebody fills what an interrupted subgroup lacks
	// (ExpectFill, Settle), so its readers wait instead of giving up.
	Recover bool
	// Cache says that the objects come from elsewhere: none is handed out for
	// longer than the track's MAX_CACHE_DURATION (moqt-18 §12.3).
	Cache bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Track is a sequence of groups. All its methods are safe for concurrent use.
type Track struct {
	name    wire.FullTrackName
	options Options

	listeners listeners
	maxAge    atomic.Int64  // time.Duration that objects may be handed out for; 0 is no limit
	news      atomic.Uint64 // changes of opened, datagrams, late and done
	came      atomic.Uint64 // payload bytes that were appended, those of fills apart
	bytes     atomic.Int64  // sum of those of the groups
	purging   atomic.Bool   // what came up to purged is to be forgotten once purgeGrace is over

	mu         sync.RWMutex // guards all below and the fields of groups and subgroups
	properties wire.Properties
	info       wire.TrackInfo
	groups     []*group // ascending by ID
	ages       ages     // the same
	unknown    ranges   // locations up to the live edge that this track cannot speak for
	filling    ranges   // parts of unknown that somebody is fetching
	gaps       ranges   // what objects said does not and will never exist (moqt-18 §12.8, §12.9)
	absent     ranges   // what FETCH responses left out: nothing more of it is taken (moqt-18 §9.1)
	ended      bool
	end        wire.Location              // with ended: nothing exists here or beyond
	final      wire.Option[wire.Location] // nothing exists beyond this
	refill     ranges                     // parts of filling that were forgotten again
	dropped    ranges                     // parts of unknown that were forgotten, and not fetched since
	filled     ranges                     // fetched: what exists there is in the track, whatever subgroups are open
	largest    wire.Location
	published  bool      // largest is valid
	purged     time.Time // of the last Purge
	expiry     time.Time // nothing is too old for MaxAge before
	resting    bool      // by Rest
	still      bool      // Options.Keeper waits for something to be kept
	due        time.Time // when Reap said that it is to be called next; zero when it did not
	opened     journal[*Subgroup]
	datagrams  journal[*Object]
	late       journal[Late]
	lost       []*group // forgotten ones that feeds hear of
	unsettled  bool     // settleFilled may have something to do
	done       *Done
}

// Done says why a track ended.
type Done struct {
	Code   wire.PublishDoneCode // as in PUBLISH_DONE (moqt-18 §10.11)
	Reason string               // for people; what a peer sent is to be quoted in logs
}

func (o Options) withDefaults() Options {
	if o.RetainGroups == 0 {
		o.RetainGroups = 3
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// NewTrack returns an empty track. Ownership of o.Properties passes to it; if they
// are no valid track properties, they are kept and nothing is read in them.
func NewTrack(name wire.FullTrackName, o Options) *Track {
	t := &Track{name: name, options: o.withDefaults()}
	info, _ := o.Properties.TrackInfo()
	t.describe(o.Properties, info)
	return t
}

// Name returns the track's full name.
func (t *Track) Name() wire.FullTrackName { return t.name }

// Properties returns the track's properties, which are shared and must not be
// changed, and what MOQT itself reads in them.
func (t *Track) Properties() (wire.Properties, wire.TrackInfo) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.properties, t.info
}

// SetProperties replaces the track's properties by the newest set received
// (moqt-18 §2.5: sets are never merged). Ownership of p passes to the track. The
// error is a *wire.Error, a fault of the peer that sent them; nothing changes then.
func (t *Track) SetProperties(p wire.Properties) error {
	info, err := p.TrackInfo()
	if err != nil {
		return err
	}
	t.mu.Lock()
	was := t.MaxAge()
	t.describe(p, info)
	if t.MaxAge() != was {
		t.stir()
		t.hasten(t.options.Now())
	}
	t.mu.Unlock()
	return nil
}

func (t *Track) describe(p wire.Properties, info wire.TrackInfo) {
	t.properties, t.info = p, info
	if t.options.Cache {
		t.maxAge.Store(int64(info.MaxCacheDuration))
		t.expiry = time.Time{}
	}
}

// Largest returns the largest location published or received; false when there is none.
func (t *Track) Largest() (wire.Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.largest, t.published
}

// RaiseLargest tells the track of a largest location known from elsewhere
// (moqt-18 §10.2.11), of which it may not have the object.
func (t *Track) RaiseLargest(l wire.Location) {
	t.mu.Lock()
	t.raise(l)
	t.mu.Unlock()
}

func (t *Track) raise(l wire.Location) {
	if !t.published || t.largest.Less(l) {
		t.largest, t.published = l, true
	}
}

// Close ends the track: nothing is appended after it, and readers that have
// read all of it see Done. Only the first call counts; sessions that send the
// track tell their subscribers by PUBLISH_DONE.
func (t *Track) Close(code wire.PublishDoneCode, reason string) {
	t.mu.Lock()
	if t.done == nil {
		t.done = &Done{code, reason}
		t.news.Add(1)
		for _, g := range t.groups {
			for _, s := range g.subgroups {
				if s.state == Waiting {
					s.become(Aborted, wire.ResetCancelled)
				}
			}
		}
		t.stir()
	}
	t.mu.Unlock()
	t.notify()
}

// Done returns why the track ended, nil while it lives.
func (t *Track) Done() *Done {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.done
}
