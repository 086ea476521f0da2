package main

import (
	"fmt"
	"strings"
	"time"
)

// profile is what is sent on each track.
type profile struct {
	Name     string
	Size     int           // of an object's payload, in bytes; at least stampSize
	Period   time.Duration // between two objects
	Group    int           // objects in a group
	Datagram bool          // one datagram for each object, else one stream for each group
}

// profiles are those of the repository's benchmarks.
func profiles() []profile {
	return []profile{
		{Name: "3mbps", Size: 12_500, Period: time.Second / 30, Group: 30},
		// As many sessions as memory is measured with would need 3 Gbit/s.
		{Name: "slow", Size: 12_500, Period: time.Second, Group: 30},
		{Name: "audio", Size: 120, Period: 20 * time.Millisecond, Group: 50},
		{Name: "datagram", Size: 120, Period: 20 * time.Millisecond, Group: 50, Datagram: true},
	}
}

func findProfile(name string) (profile, error) {
	var names []string
	for _, p := range profiles() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return profile{}, fmt.Errorf("no profile %q: use one of %s", name, strings.Join(names, ", "))
}

// rate is the payload of one track in bytes per second.
func (p profile) rate() float64 { return float64(p.Size) / p.Period.Seconds() }

// each calls f for the objects of track k of n, whose times are spread over a
// period, until stop is closed: with the number of the group, the first being
// from, and that of the object in it. It returns the group to go on with.
func (p profile) each(k, n int, from uint64, stop <-chan struct{}, f func(group, id uint64)) (next uint64) {
	due := time.Now().Add(p.Period * time.Duration(k) / time.Duration(n))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	for i := uint64(0); ; i++ {
		group, id := from+i/uint64(p.Group), i%uint64(p.Group)
		select {
		case <-stop:
			return group + 1
		case <-timer.C:
		}
		f(group, id)
		due = due.Add(p.Period)
		timer.Reset(time.Until(due))
	}
}
