package rtc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"moqedge/bench/media"
	"moqedge/bench/tally"
)

// keyEvery is how often a viewer asks for a key frame after packets were lost for
// good.
const keyEvery = 500 * time.Millisecond

// View receives the tracks of the source and notes in v what came, until ctx ends,
// which is no error, or the connection fails. It notes as ready, too, when the first
// packet of media came: had the server sent a key frame at that moment, as one that
// keeps pictures does, the viewer could have begun.
func View(ctx context.Context, o Options, v *tally.Viewer) error {
	if o.Source == nil {
		return errors.New("rtc: this viewer has to know the source; see Watch")
	}
	o, err := o.validate()
	if err != nil {
		return err
	}
	if o.URL, err = o.withTracks(); err != nil {
		return err
	}
	r := &reception{options: o, viewer: v, free: slices.Clone(o.Tracks)}
	video := make([]bool, len(o.Tracks))
	for i, track := range o.Tracks {
		video[i] = o.Source.Tracks()[track].Kind == media.Video
	}
	if r.receiver, err = newReceiver(o, video, r.track); err != nil {
		return err
	}
	v.Connecting(time.Now())
	if err = r.receiver.connect(ctx); err == nil {
		err = r.receiver.stay(ctx)
	}
	if err == nil || ctx.Err() != nil {
		v.Left(time.Now())
		err = nil
	}
	r.receiver.leave(ctx)
	return err
}

// withTracks is the URL that asks bench/sfu for some of the tracks.
func (o Options) withTracks() (string, error) {
	all := o.Source.Tracks()
	if len(o.Tracks) == len(all) {
		return o.URL, nil
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return "", fmt.Errorf("rtc: %w", err)
	}
	var names []string
	for _, i := range o.Tracks {
		names = append(names, all[i].Name)
	}
	query := u.Query()
	query.Set("tracks", strings.Join(names, ","))
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// reception is what a viewer has of a stream. Its fields belong to who makes it and
// then, free, to track.
type reception struct {
	options  Options
	viewer   *tally.Viewer
	receiver *receiver
	free     []int // tracks that nothing has come of yet
}

// take says which track of the source has come: that of the name that it has, or
// else the next one of its kind.
func (r *reception) take(remote *webrtc.TrackRemote) (int, bool) {
	all := r.options.Source.Tracks()
	is := func(video bool) bool { return video == (remote.Kind() == webrtc.RTPCodecTypeVideo) }
	i := slices.IndexFunc(r.free, func(n int) bool { return all[n].Name == remote.ID() })
	if i < 0 {
		i = slices.IndexFunc(r.free, func(n int) bool { return is(all[n].Kind == media.Video) })
	}
	if i < 0 {
		return 0, false
	}
	number := r.free[i]
	r.free = slices.Delete(r.free, i, i+1)
	return number, true
}

// track begins one of the tracks.
func (r *reception) track(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) packetReader {
	r.viewer.Ready(time.Now())
	number, ok := r.take(remote)
	if !ok {
		r.options.Log.Warn("a track that the source does not have", "id", cutID(remote.ID()))
		return nil
	}
	in := &incoming{
		reception: r, remote: remote, number: number,
		numbers: newNumbers(r.options, number, remote.Codec().ClockRate),
	}
	if f := formatOf(r.options.Source.Tracks()[number]); f != nil {
		in.assembler = newAssembler(f)
	}
	return in.packet
}

func formatOf(t media.Track) format {
	switch {
	case t.Kind == media.Video:
		return &avc{}
	case t.Kind == media.Audio && t.Codec == "opus":
		return nil // a packet is a frame
	}
	return &opaque{}
}

// incoming is one track of a viewer. Its fields belong to packet.
type incoming struct {
	reception *reception
	remote    *webrtc.TrackRemote
	number    int
	numbers   *numbers
	assembler *assembler // nil where a packet is a frame

	joined  bool
	tries   int    // to learn which frames these are
	lost    uint64 // what the assembler had given up when a key frame was asked for
	askedAt time.Time
}

func (in *incoming) packet(p *rtp.Packet, now time.Time) {
	if len(p.Payload) == 0 && in.assembler == nil {
		return
	}
	if !in.joined {
		in.join(p, now)
	}
	if in.assembler == nil {
		in.complete(p.Timestamp, p.Payload, now)
		return
	}
	for _, f := range in.assembler.push(p) {
		in.complete(f.timestamp, f.payload, now)
	}
	in.requestKey(now)
}

// join notes from which frame on the track is had. The first packet may be in the
// middle of a frame, and that one is not owed.
func (in *incoming) join(p *rtp.Packet, now time.Time) {
	n, ok := in.numbers.find(p.Timestamp, now)
	if !ok {
		return
	}
	if in.assembler != nil && !beginsFrame(in.assembler.format, p.Payload) {
		n++
	}
	in.joined = true
	in.reception.viewer.Joined(in.number, n)
}

// beginsFrame reports whether a payload may be the first of a frame: anything but
// a fragment that goes on.
func beginsFrame(f format, payload []byte) bool {
	if _, ok := f.(*avc); ok {
		return len(payload) > 1 && (payload[0]&naluMask != naluFUA || payload[1]&fuaStart != 0)
	}
	return f.begins(payload)
}

func (in *incoming) complete(timestamp uint32, payload []byte, now time.Time) {
	n, ok := in.numbers.find(timestamp, now)
	if !ok && !in.joined && in.tries < maxTries {
		// A server that is not ours may count from elsewhere: what is in the frame tells.
		in.tries++
		if in.numbers.learn(timestamp, payload, now) {
			n, ok = in.numbers.find(timestamp, now)
		}
		if ok {
			in.joined = true
			in.reception.viewer.Joined(in.number, n)
		}
	}
	if ok {
		in.reception.viewer.Complete(in.number, media.Frame{N: n, Payload: payload}, now)
	}
}

// maxTries bounds the frames that are compared with what was sent to learn what the
// server does to timestamps.
const maxTries = 100

// requestKey asks for a key frame when packets were lost for good, as a browser
// does.
func (in *incoming) requestKey(now time.Time) {
	if in.assembler.lost == in.lost || now.Sub(in.askedAt) < keyEvery || in.remote.Kind() != webrtc.RTPCodecTypeVideo {
		return
	}
	in.lost, in.askedAt = in.assembler.lost, now
	pli := &rtcp.PictureLossIndication{MediaSSRC: uint32(in.remote.SSRC())}
	if err := in.reception.receiver.WriteRTCP([]rtcp.Packet{pli}); err != nil {
		in.reception.options.Log.Debug("ask for a key frame", "error", err)
	}
}
