package live

// ages is the list of a track's groups in the order of their newest objects,
// which is that of their IDs only while nothing is fetched. It is guarded by the
// track's mu.
type ages struct{ eldest, youngest *group }

// touch makes a group the youngest.
func (a *ages) touch(g *group) {
	if a.youngest == g {
		return
	}
	a.remove(g)
	g.elder = a.youngest
	if g.elder != nil {
		g.elder.younger = g
	} else {
		a.eldest = g
	}
	a.youngest = g
}

// remove takes a group out, if it is in.
func (a *ages) remove(g *group) {
	switch {
	case g.elder != nil:
		g.elder.younger = g.younger
	case a.eldest == g:
		a.eldest = g.younger
	}
	switch {
	case g.younger != nil:
		g.younger.elder = g.elder
	case a.youngest == g:
		a.youngest = g.elder
	}
	g.elder, g.younger = nil, nil
}
