package rtc

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"moqedge/bench/media"
	"moqedge/bench/tally"
)

// Publisher is a WHIP session that frames can be sent over.
type Publisher struct {
	options  Options
	peer     *peer
	tracks   []*outgoing
	readers  sync.WaitGroup // of RTCP; they end with the peer connection
	lateness tally.Histogram
	keys     atomic.Uint64
	leaving  sync.Once
	left     error
}

// outgoing is one track on its way. Its fields belong to Run.
type outgoing struct {
	number     int // in the source
	hz         uint32
	local      *webrtc.TrackLocalStaticRTP
	packetizer *packetizer
	next       media.Frame // without payload
}

// Publish opens a session for all tracks of the source, in one peer connection, each
// under its name. It returns when media can flow. Run or Close has to be called.
func Publish(ctx context.Context, o Options) (*Publisher, error) {
	if o.Source == nil {
		return nil, errors.New("rtc: a publisher needs a source")
	}
	o, err := o.validate()
	if err != nil {
		return nil, err
	}
	p := &Publisher{options: o}
	if p.peer, err = newPeer(o, webrtc.RTPTransceiverDirectionSendonly); err != nil {
		return nil, err
	}
	for _, i := range o.Tracks {
		if err = p.add(i); err != nil {
			break
		}
	}
	if err == nil {
		err = p.peer.connect(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// add gives a track of the source to the peer connection, in its one format.
func (p *Publisher) add(number int) error {
	t := p.options.Source.Tracks()[number]
	c, err := capability(t)
	if err != nil {
		return err
	}
	local, err := webrtc.NewTrackLocalStaticRTP(c, t.Name, "moqedge")
	if err != nil {
		return err
	}
	tr, err := p.peer.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	if err := prefer(tr, c); err != nil {
		return fmt.Errorf("rtc: track %s: %w", t.Name, err)
	}
	p.tracks = append(p.tracks, &outgoing{number: number, hz: c.ClockRate, local: local, packetizer: newPacketizer(t)})
	p.readers.Go(func() { p.readReports(tr.Sender()) })
	return nil
}

// prefer offers a transceiver in one format, and the repairs of it.
func prefer(tr *webrtc.RTPTransceiver, c webrtc.RTPCodecCapability) error {
	all := tr.Sender().GetParameters().Codecs
	var want []webrtc.RTPCodecParameters
	for i, p := range all {
		if p.MimeType == c.MimeType && p.SDPFmtpLine == c.SDPFmtpLine {
			want = append(want, p)
			if i+1 < len(all) && all[i+1].MimeType == webrtc.MimeTypeRTX {
				want = append(want, all[i+1])
			}
		}
	}
	return tr.SetCodecPreferences(want)
}

// readReports reads RTCP, which pion's interceptors see on the way, until the track
// ends. A source cannot make a key frame when it is asked for one: it is counted.
func (p *Publisher) readReports(sender *webrtc.RTPSender) {
	for bad := 0; bad < maxReadErrors; bad++ {
		packets, _, err := sender.ReadRTCP()
		if isEnd(err) {
			return
		}
		for _, one := range packets {
			switch one.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				p.keys.Add(1)
			}
		}
		if err == nil {
			bad = 0
		}
	}
}

// maxReadErrors in a row are not a few bad packets any more.
const maxReadErrors = 1000

// Lateness is by how much frames were written after they were due, since the last
// call.
func (p *Publisher) Lateness() tally.Quantiles { return p.lateness.Take() }

// KeyRequests is how often the server asked for a key frame.
func (p *Publisher) KeyRequests() uint64 { return p.keys.Load() }

// Run writes each frame when it is due, from the first one that is not over yet,
// until ctx ends, which is no error, or the connection fails. Then it ends the
// session.
func (p *Publisher) Run(ctx context.Context) error {
	err := p.write(ctx)
	return errors.Join(err, p.Close())
}

func (p *Publisher) write(ctx context.Context) error {
	queue := make(schedule, 0, len(p.tracks))
	now := time.Since(p.options.Start)
	for _, t := range p.tracks {
		t.next = p.options.Source.Slot(t.number, first(p.options.Source, t.number, now))
		queue = append(queue, t)
	}
	heap.Init(&queue)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t := queue[0]
		if wait := time.Until(p.options.Start.Add(t.next.Due)); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return nil
			case <-p.peer.failed:
				return ErrConnection
			}
		} else if ctx.Err() != nil {
			return nil
		}
		if err := p.send(t); err != nil {
			return err
		}
		t.next = p.options.Source.Slot(t.number, t.next.N+1)
		heap.Fix(&queue, 0)
	}
}

// first returns the first frame of a track that is due at or after a time.
func first(s media.Source, track int, after time.Duration) uint64 {
	n := uint64(max(0, after.Seconds()*s.Tracks()[track].Rate))
	for n > 0 && s.Slot(track, n-1).Due >= after {
		n--
	}
	for s.Slot(track, n).Due < after {
		n++
	}
	return n
}

// send writes the next frame of a track.
func (p *Publisher) send(t *outgoing) error {
	f := p.options.Source.Frame(t.number, t.next.N)
	packets, err := t.packetizer.packets(f, uint32(stamp(f.Due, t.hz)))
	if err != nil {
		return err
	}
	p.lateness.Add(time.Since(p.options.Start.Add(f.Due)))
	for i := range packets {
		if err := t.local.WriteRTP(&packets[i]); err != nil {
			return fmt.Errorf("rtc: write: %w", err)
		}
	}
	return nil
}

// Close ends the session. It can be called more than once.
func (p *Publisher) Close() error {
	p.leaving.Do(func() {
		p.left = p.peer.leave(context.Background())
		p.readers.Wait()
	})
	return p.left
}

// schedule is a heap of tracks by when their next frame is due.
type schedule []*outgoing

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].next.Due < s[j].next.Due }
func (s schedule) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)        { *s = append(*s, x.(*outgoing)) }
func (s *schedule) Pop() any {
	last := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return last
}
