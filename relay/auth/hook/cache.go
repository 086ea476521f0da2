package hook

import (
	"crypto/sha256"
	"time"
)

// key is what tells questions apart.
type key [sha256.Size]byte

// answers are those that are good for a while. Whoever has it locked calls its methods.
type answers struct {
	most  int
	known map[key]answer
}

func (a *answers) get(id key, now time.Time) (answer, bool) {
	known, ok := a.known[id]
	return known, ok && now.Before(known.good)
}

func (a *answers) put(id key, one answer, now time.Time) {
	if !now.Before(one.good) {
		return
	}
	if _, known := a.known[id]; !known && len(a.known) >= a.most {
		a.makeRoom(now)
	}
	a.known[id] = one
}

// makeRoom forgets what is not good any more, or else any one. It looks at a few.
func (a *answers) makeRoom(now time.Time) {
	looked := 0
	for id, one := range a.known {
		if looked++; looked > 64 {
			break
		}
		if !now.Before(one.good) {
			delete(a.known, id)
		}
	}
	for id := range a.known {
		if len(a.known) < a.most {
			return
		}
		delete(a.known, id)
	}
}
