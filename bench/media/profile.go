package media

import (
	"errors"
	"fmt"
	"strings"
)

// Options of a profile.
type Options struct {
	// Seed decides the bytes of the frames and the times of messages.
	Seed uint64
	// Clients who publish: in a meeting (0: 4) and a chat (0: 1000). The other
	// profiles have one publisher.
	Clients int
	// Sound adds the track of profile audio to 1080p and 3mbps, which have none.
	Sound bool
	// Datagrams has MOQT send sound as datagrams. Else it is streams, one for each
	// group of a second.
	Datagrams bool
}

// maxClients bounds what a profile keeps for each client.
const maxClients = 100_000

// ErrOptions reports options that no source can be made with.
var ErrOptions = errors.New("media: invalid options")

// check validates o for a profile and fills in what its zero values mean.
func (o *Options) check(p profile) error {
	if o.Clients < 0 || o.Clients > maxClients {
		return fmt.Errorf("%w: %d clients, want 1 to %d", ErrOptions, o.Clients, maxClients)
	}
	if o.Clients > 1 && p.clients == 1 {
		return fmt.Errorf("%w: profile %s has one publisher, not %d", ErrOptions, p.name, o.Clients)
	}
	if o.Clients == 0 {
		o.Clients = p.clients
	}
	return nil
}

// profile is what each client publishes.
type profile struct {
	name    string
	clients int // default; 1: there can not be more
	pattern []pattern
}

// pattern is one track of a client.
type pattern struct {
	kind          Kind
	rate          int // frames per second
	group         int // frames
	key, size     int // bytes of the first frame of a group, and of the others
	random        bool
	width, height int
	level         uint8 // H.264 level times ten
}

// profiles are the load profiles: audio and 360p are S1 and S2 of
// draft-evens-moq-bench, meeting its S3. A message of the chat stands alone, so
// it is a group.
func profiles() []profile {
	sound := pattern{kind: Audio, rate: 50, group: 50, key: 120, size: 120}
	small := pattern{kind: Video, rate: 30, group: 150, key: 21_333, size: 2_666, width: 640, height: 360, level: 30}
	return []profile{
		{"audio", 1, []pattern{sound}},
		{"360p", 1, []pattern{small, sound}},
		{"1080p", 1, []pattern{{kind: Video, rate: 30, group: 60, key: 64_000, size: 8_000, width: 1920, height: 1080, level: 40}}},
		{"3mbps", 1, []pattern{{kind: Video, rate: 30, group: 30, key: 12_500, size: 12_500, width: 1280, height: 720, level: 31}}},
		{"meeting", 4, []pattern{small, sound}},
		{"chat", 1000, []pattern{{kind: Data, rate: 1, group: 1, key: 200, size: 200, random: true}}},
	}
}

// Names lists the profiles.
func Names() []string {
	var names []string
	for _, p := range profiles() {
		names = append(names, p.name)
	}
	return names
}

// Profile makes up a source by the name of a load profile: audio, 360p, 1080p,
// 3mbps, meeting or chat.
//
// The groups of several clients do not begin together, as those of people would
// not: client k of n is k/n of a group ahead, so its first group is shorter.
// Messages of a chat come at random times, one in each second of each track.
func Profile(name string, o Options) (Source, error) {
	for _, p := range profiles() {
		if p.name == name {
			if err := o.check(p); err != nil {
				return nil, err
			}
			return newSynthetic(p, o), nil
		}
	}
	return nil, fmt.Errorf("%w: no profile %q: use one of %s", ErrOptions, name, strings.Join(Names(), ", "))
}
