package bridge

import (
	"bytes"
	"fmt"
	"time"

	"moqedge/bridge/codec"
	"moqedge/moq/live"
	"moqedge/moq/loc"
	"moqedge/moq/msf"
	"moqedge/moq/wire"
)

// retainFor is how long groups are kept beyond the newest three: what a relay
// that has just subscribed may be asked for by its viewers.
const retainFor = 10 * time.Second

// packaging is one of the forms in which all media is offered.
type packaging int

const (
	packLOC packaging = iota
	packCMAF
	packagings // how many there are
)

// namespaceOf returns the namespace of a name in a packaging: a single field,
// which every player accepts.
func namespaceOf(name string, p packaging) wire.Namespace {
	return wire.Namespace{name + suffixes[p]}
}

// suffixes are what namespaces of the packagings end with.
var suffixes = [packagings]string{packLOC: ".loc", packCMAF: ".msf"}

// output is one media track in all packagings. Its fields are guarded by the
// station's mu. Objects of the packagings have the same ids.
type output struct {
	name     string
	codec    Codec
	priority uint8
	owner    *Broadcast // who writes it; nil: nobody now

	lanes    [packagings]lane
	group    uint64 // of the next group
	object   uint64 // of the next object in the open group
	open     bool   // a group is open
	sequence uint32 // of the CMAF fragment before

	description description
}

// lane is the form of an output in one packaging.
type lane struct {
	track  *live.Track
	writer *live.SubgroupWriter // of the open group
	rate   meter
}

// description is what a catalog says about an output.
type description struct {
	codec         [packagings]string
	width, height int
	framerate     float64 // 0: not known
	sampleRate    int
	channels      int
	init          []byte // CMAF header
	generation    int    // of init
	timescale     int    // of the CMAF track
	guess         int    // bits per second before anything is measured
}

// frame is one object in all packagings. The output takes over its slices.
type frame struct {
	at         int64 // microseconds, decode time
	properties wire.Properties
	payload    [packagings][]byte
}

func (s *station) newOutput(want string, c Codec, priority uint8) *output {
	o := &output{name: s.trackName(want), codec: c, priority: priority, group: s.hub.firstGroup()}
	for p := range o.lanes {
		name := wire.FullTrackName{Namespace: namespaceOf(s.name, packaging(p)), Name: o.name}
		o.lanes[p].track = live.NewTrack(name, live.Options{RetainFor: retainFor, Now: s.hub.config.Now})
	}
	return o
}

// describe replaces the description and reports whether it differs. A new
// CMAF header gets a new generation, so that players see that it is another.
func (o *output) describe(d description) (changed bool) {
	old := &o.description
	d.generation = old.generation
	if !bytes.Equal(old.init, d.init) {
		d.generation++
	}
	changed = d.generation != old.generation || d.codec != old.codec || d.width != old.width || d.height != old.height ||
		d.framerate != old.framerate || d.sampleRate != old.sampleRate || d.channels != old.channels
	*old = d
	return changed
}

// startGroup ends the open group and begins the next, in one subgroup 0.
func (o *output) startGroup() error {
	o.endGroup()
	info := live.SubgroupInfo{Group: o.group, Priority: o.priority, EndOfGroup: true, FirstObject: true}
	for p := range o.lanes {
		info.HasProperties = packaging(p) == packLOC
		w, err := o.lanes[p].track.OpenSubgroup(info)
		if err != nil {
			return fmt.Errorf("opening group %d of %s: %w", o.group, o.name, err)
		}
		o.lanes[p].writer = w
	}
	o.group++
	o.object = 0
	o.open = true
	return nil
}

// endGroup says that the open group has all its objects.
func (o *output) endGroup() {
	for p := range o.lanes {
		if w := o.lanes[p].writer; w != nil {
			// An error means that the track is closed: then there is nothing to end.
			_ = w.Close()
			o.lanes[p].writer = nil
		}
	}
	o.open = false
}

// append adds an object to the open group.
func (o *output) append(f frame) error {
	for p := range o.lanes {
		object := live.WholeObject{ID: o.object, Payload: f.payload[p]}
		if packaging(p) == packLOC {
			object.Properties = f.properties
		}
		if err := o.lanes[p].writer.Append(object); err != nil {
			return fmt.Errorf("object %d of %s: %w", o.object, o.name, err)
		}
		o.lanes[p].rate.add(f.at, len(f.payload[p]))
	}
	o.object++
	return nil
}

// bitrate returns the bits per second of a packaging: the most measured in a
// second, or a guess before that.
func (o *output) bitrate(p packaging) int {
	if most := o.lanes[p].rate.most; most > 0 {
		return roundUp(most)
	}
	return roundUp(o.description.guess)
}

// framerate returns the frames per second of video, 0 while it is not known.
func (o *output) framerate() float64 {
	if o.description.framerate > 0 || !o.codec.IsVideo() {
		return o.description.framerate
	}
	return o.lanes[packLOC].rate.perSecond
}

// inCatalog returns the output's entry for a catalog, and its header with CMAF.
func (o *output) inCatalog(p packaging) (msf.Track, *msf.InitData) {
	d := &o.description
	t := msf.Track{
		Name: o.name, Packaging: msf.PackagingLOC, IsLive: true, Role: msf.RoleAudio, RenderGroup: 1,
		Codec: d.codec[p], Bitrate: o.bitrate(p), Width: d.width, Height: d.height, Framerate: o.framerate(),
		SampleRate: d.sampleRate,
	}
	if o.codec.IsVideo() {
		t.Role = msf.RoleVideo
	} else {
		t.ChannelConfig = fmt.Sprint(d.channels)
	}
	if p == packLOC {
		return t, nil
	}
	t.Packaging, t.Timescale = msf.PackagingCMAF, d.timescale
	t.InitRef, t.InitData = o.name, msf.EncodeInit(d.init)
	if d.generation > 1 {
		t.InitRef = fmt.Sprintf("%s.%d", o.name, d.generation)
	}
	return t, &msf.InitData{ID: t.InitRef, Type: msf.InitInline, Data: t.InitData}
}

func (o *output) status() TrackStatus {
	d := &o.description
	return TrackStatus{
		Name: o.name, Codec: d.codec[packLOC], Width: d.width, Height: d.height, Framerate: o.framerate(),
		SampleRate: d.sampleRate, Channels: d.channels, Bitrate: o.bitrate(packLOC),
	}
}

// avcPayloads packages a picture: LOC carries the parameter sets before every
// key frame (avc3), CMAF carries none (avc1).
func avcPayloads(p codec.Picture, sets [][]byte, header []byte) [packagings][]byte {
	inLOC := loc.AppendNALUs(make([]byte, 0, setsSize(sets)+p.Size), sets...)
	inCMAF := append(make([]byte, 0, len(header)+p.Size), header...)
	return [packagings][]byte{
		packLOC:  loc.AppendNALUs(inLOC, p.Slices...),
		packCMAF: loc.AppendNALUs(inCMAF, p.Slices...),
	}
}

// setsSize returns the bytes of NAL units with their length prefixes.
func setsSize(nalus [][]byte) int {
	size := 0
	for _, n := range nalus {
		size += 4 + len(n)
	}
	return size
}
