package relay

import (
	"moqedge/moq/wire"
	"moqedge/relay/route"
)

// trackNames finds the tracks below a namespace, in a time that does not depend
// on how many others there are. It is guarded by the relay's mu, except count.
type trackNames struct {
	table *route.Table[*siblings] // one route to each namespace that has tracks
	by    map[string]*siblings    // by namespace
}

// siblings are the tracks of one namespace.
type siblings struct{ tracks map[*trackEntry]struct{} }

func newTrackNames() trackNames {
	return trackNames{table: route.NewTable[*siblings](), by: map[string]*siblings{}}
}

func (n trackNames) add(e *trackEntry) {
	ns := e.name.Namespace
	s := n.by[ns.Key()]
	if s == nil {
		s = &siblings{tracks: map[*trackEntry]struct{}{}}
		n.by[ns.Key()] = s
		n.table.Set(ns, route.Route[*siblings]{Via: s})
	}
	s.tracks[e] = struct{}{}
}

func (n trackNames) remove(e *trackEntry) {
	ns := e.name.Namespace
	s := n.by[ns.Key()]
	if delete(s.tracks, e); len(s.tracks) == 0 {
		delete(n.by, ns.Key())
		n.table.Remove(ns, s)
	}
}

// below returns the tracks of a namespace and of those that it is a prefix of, up to
// limit of them; false means that there are more.
func (n trackNames) below(ns wire.Namespace, limit int) (tracks []*trackEntry, all bool) {
	all = true
	n.table.Each(ns, func(_ wire.Namespace, in []route.Route[*siblings]) bool {
		for e := range in[0].Via.tracks {
			if all = len(tracks) < limit; !all {
				return false
			}
			tracks = append(tracks, e)
		}
		return true
	})
	return tracks, all
}

// count returns how many namespaces with tracks there are below one.
func (n trackNames) count(ns wire.Namespace) int { return n.table.Count(ns) }
