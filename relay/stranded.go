package relay

import "slices"

// A relay that lives and has lost what is above it keeps its subscribers, as it may
// find another way. Those that are relays may know one by which it cannot be reached:
// they are told that nothing comes for now (SUPPLY), subscribe elsewhere where they
// can, and stay where they cannot. A relay that has nobody else to ask is stranded
// itself and tells those below, so that the word goes on until there is a relay with
// another way. What is told is about a subscription, not about a namespace: that
// holds for tracks that nobody announced, and from the first silence on, when the
// routes of a link are still shown.

// isSupplied reports whether somebody can be relied on for the track, or is asked and
// can be. The caller holds mu.
func (e *trackEntry) isSupplied() bool { return slices.ContainsFunc(e.feeds, (*feed).isSound) }

// isStranded reports whether the track was had and all who provide it lack it
// themselves, or are about to be closed. The caller holds mu.
func (e *trackEntry) isStranded() bool {
	return e.had && !e.isSupplied() && slices.ContainsFunc(e.feeds, func(f *feed) bool { return f.stranded })
}

// strand takes in what the relay of a feed says of the track, also before it answers.
func (f *feed) strand(stranded bool) {
	e := f.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.stranded == stranded { // what is said again costs nothing
		return
	}
	f.stranded = stranded
	if !stranded {
		e.restored(f)
	}
	e.poke()
}

// warn tells the relays below when nobody supplies the track, and when somebody does
// again: one that is asked may refuse.
func (e *trackEntry) warn() {
	e.mu.Lock()
	defer e.mu.Unlock()
	established := slices.ContainsFunc(e.feeds, func(f *feed) bool { return f.accepted && f.sub != nil && !f.behind && f.isSound() })
	e.stranded = !established && (e.stranded || !e.isSupplied())
	for u := range e.uses {
		if u.request != nil && len(u.path) > 0 && u.stranded != e.stranded && !u.telling {
			u.telling = true
			e.relay.tasks.Go(u.tellSupply)
		}
	}
}

// tellSupply tells a relay whether the track is supplied, as long as that changes.
// Nothing more is told when it cannot be.
func (u *use) tellSupply() {
	e := u.entry
	for {
		e.mu.Lock()
		if u.stranded == e.stranded {
			u.telling = false
			e.mu.Unlock()
			return
		}
		u.stranded = e.stranded
		stranded := u.stranded
		e.mu.Unlock()
		if err := u.request.Supply(stranded); err != nil {
			return // it is over
		}
	}
}
