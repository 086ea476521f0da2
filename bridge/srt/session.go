package srt

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"

	"moqedge/bridge"
	"moqedge/bridge/srt/ts"
)

const (
	// maxQueue bounds the samples that wait for the clock, in bytes.
	maxQueue = 16 << 20
	// damageEvery is how often damage to a stream is worth a line.
	damageEvery = 10 * time.Second
	// keyFrameLimit is how long video may go without a key frame before the
	// log says so.
	keyFrameLimit = 10 * time.Second
	// backwards is how far decoding times may step back, microseconds: a
	// multiplexer may be untidy by a few frames.
	backwards = 500_000
)

// errAudioChanged ends a publication: its audio track cannot change under the
// players that have it.
var errAudioChanged = errors.New("the audio format changed in the stream: publish again")

// session turns one publisher's transport stream into bridge units. One
// goroutine uses it.
type session struct {
	log       *slog.Logger
	out       tracks
	onPlaying func() // called once, when a programme plays

	demux   *ts.Demuxer
	times   mpegts.TimeDecoder
	haveOne bool  // a timestamp has been seen
	first   int64 // the first timestamp, 90 kHz: times counts from it
	clock   clock
	resyncs int

	// of the bytes being pushed
	arrival, hold int64 // microseconds

	playing bool
	program uint16
	streams []*stream // of the programme, selected
	readied bool
	leftOut map[string]bool // what warnings have named

	queue     []sample // while the clock settles
	queueSize int

	broken    uint64 // units whose content made no sense
	damage    uint64 // as of the last line
	damagedAt int64  // arrival of the last line, 0: none yet
}

// sample is one unit on its way to its track, with stream times in microseconds.
type sample struct {
	to       *stream
	pts, dts int64
	key      bool
	nalus    [][]byte
	frame    []byte
}

func newSession(out tracks, log *slog.Logger, playing func()) *session {
	s := &session{log: log, out: out, onPlaying: playing, leftOut: make(map[string]bool)}
	s.demux = ts.NewDemuxer(s)
	return s
}

// push takes bytes that left the receive buffer at arrival, after it and the
// network kept them for hold (both microseconds). An error ends the publication.
func (s *session) push(b []byte, arrival, hold int64) error {
	s.arrival, s.hold = arrival, hold
	if err := s.demux.Push(b); err != nil {
		return err
	}
	s.reportDamage()
	return nil
}

// finish passes on what still waits.
func (s *session) finish() error {
	if err := s.demux.Flush(); err != nil {
		return err
	}
	s.reportDamage()
	return s.settleNow()
}

func (s *session) reportDamage() {
	total := s.demux.Damage.Total() + s.broken
	if total == s.damage || s.damagedAt != 0 && s.arrival-s.damagedAt < damageEvery.Microseconds() {
		return
	}
	s.damage, s.damagedAt = total, s.arrival
	s.log.Warn("transport stream is damaged", s.damageArgs()...)
}

func (s *session) damageArgs() []any {
	d := s.demux.Damage
	return []any{"skippedBytes", d.SkippedBytes, "lostPackets", d.LostPackets, "scrambledPackets", d.Scrambled,
		"brokenTables", d.BrokenSections, "brokenUnits", d.BrokenUnits + s.broken}
}

// Unit implements ts.Sink.
func (s *session) Unit(u ts.Unit) error {
	for _, st := range s.streams {
		if st.PID == u.PID {
			if !u.HasTime {
				s.broken++
				return nil
			}
			pts, dts := s.micros(u.PTS), s.micros(u.DTS)
			if pts < dts || pts > dts+5_000_000 {
				pts = dts
			}
			return st.take(s, pts, dts, u)
		}
	}
	return nil
}

// micros unwraps a 33-bit timestamp. The scale is the stream's own, so that
// logs show what other tools show.
func (s *session) micros(raw int64) int64 {
	if !s.haveOne {
		s.haveOne, s.first = true, raw
	}
	return (s.first + s.times.Decode(raw)) * 100 / 9
}

// observe shows the clock that the stream had come to the time captured when
// the bytes being pushed were sent. dts is the unit's place in its stream.
func (s *session) observe(st *stream, dts, captured int64) error {
	back := st.haveDTS && dts < st.lastDTS-backwards
	st.haveDTS, st.lastDTS = true, dts
	if back || s.clock.broken(s.arrival, captured) {
		if err := s.settleNow(); err != nil {
			return err
		}
	}
	// The first stream that steps back moves the clock for all.
	if back && s.clock.set && !s.clock.fits(s.arrival, captured, s.hold) {
		s.clock.jump(s.arrival, captured, s.hold)
		s.resynced()
		return nil
	}
	switch s.clock.observe(s.arrival, captured, s.hold) {
	case eventSet:
		return s.release()
	case eventResync:
		s.resynced()
	}
	return nil
}

func (s *session) resynced() {
	if s.resyncs++; s.resyncs == 1 {
		s.log.Warn("timestamps of the stream jumped: set to the time of arrival again (further jumps are counted only)")
	}
}

// put sends a sample to its track, or keeps a copy while the clock settles.
func (s *session) put(x sample) error {
	if s.clock.set {
		return x.to.write(s, x)
	}
	x.frame = append([]byte(nil), x.frame...)
	size := len(x.frame)
	nalus := make([][]byte, len(x.nalus))
	for i, n := range x.nalus {
		nalus[i] = append([]byte(nil), n...)
		size += len(n)
	}
	x.nalus = nalus
	s.queue, s.queueSize = append(s.queue, x), s.queueSize+size
	if s.queueSize > maxQueue {
		return s.settleNow()
	}
	return nil
}

// settleNow makes the clock map with what it knows and releases the queue.
func (s *session) settleNow() error {
	if s.clock.fix(s.hold) == eventSet {
		return s.release()
	}
	return nil
}

func (s *session) release() error {
	queue := s.queue
	s.queue, s.queueSize = nil, 0
	for _, x := range queue {
		if err := x.to.write(s, x); err != nil {
			return err
		}
	}
	return nil
}

// omit warns, once for each, that a part of the input does not play.
func (s *session) omit(what, why string) {
	const worthNaming = 32 // a hostile stream can make up any number
	if s.leftOut[what] || len(s.leftOut) >= worthNaming {
		return
	}
	s.leftOut[what] = true
	s.log.Warn("left out of the publication", "what", what, "why", why)
}

// omitted lists what was left out, for the reason a publication ends.
func (s *session) omitted() (all []string) {
	for what := range s.leftOut {
		all = append(all, what)
	}
	return all
}

// refused handles an error of adding a track: only what is unsupported can be
// left out and the rest played.
func (s *session) refused(st *stream, err error) error {
	if errors.Is(err, bridge.ErrUnsupported) {
		st.off = true
		s.omit(string(st.Codec), err.Error())
		s.checkReady()
		return nil
	}
	return fmt.Errorf("adding %s: %w", st.Codec, err)
}
