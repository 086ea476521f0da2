package srt

import (
	"fmt"
	"strings"

	"moqedge/bridge/srt/ts"
)

// maxPlaying bounds the streams of one publication.
const maxPlaying = 8

// Program implements ts.Sink: the first programme with anything playable in it
// is the publication, the others are left out.
func (s *session) Program(p ts.Program) error {
	if s.playing && p.Number != s.program {
		s.omit(fmt.Sprintf("programme %d (%s)", p.Number, list(p.Streams)), fmt.Sprintf("programme %d plays", s.program))
		return nil
	}
	var play []ts.Stream
	for _, st := range p.Streams {
		if why := unplayable(st); why != "" {
			s.omit(string(st.Codec), why)
		} else if len(play) == maxPlaying {
			s.omit(string(st.Codec)+" beyond the limit", fmt.Sprintf("a publication has at most %d streams", maxPlaying))
		} else {
			play = append(play, st)
		}
	}
	if len(play) == 0 && !s.playing {
		return nil // another programme may play; otherwise the connection ends at its limit
	}
	changed := s.playing
	s.playing, s.program = true, p.Number
	s.choose(play)
	if changed {
		s.log.Info("programme changed", "programme", p.Number, "streams", list(play))
	} else {
		s.log.Info("programme plays", "programme", p.Number, "streams", list(play))
		s.onPlaying()
	}
	return nil
}

// choose makes the session play these streams. A stream goes on in the track
// it has: found by its PID, else by being of the same kind.
func (s *session) choose(play []ts.Stream) {
	old := s.streams
	s.streams = make([]*stream, len(play))
	claim := func(fits func(*stream, ts.Stream) bool) {
		for i, n := range play {
			for j, st := range old {
				if s.streams[i] == nil && st != nil && fits(st, n) {
					st.Stream, st.adts = n, adts{}
					s.streams[i], old[j] = st, nil
				}
			}
		}
	}
	claim(func(st *stream, n ts.Stream) bool { return st.PID == n.PID && st.sameAs(n) })
	claim((*stream).sameAs)
	pids := make([]uint16, len(play))
	for i, n := range play {
		if s.streams[i] == nil {
			s.streams[i] = &stream{Stream: n}
		}
		pids[i] = n.PID
	}
	s.demux.Select(pids...)
}

// checkReady tells the bridge once that all tracks are there.
func (s *session) checkReady() {
	if s.readied {
		return
	}
	for _, st := range s.streams {
		if !st.added() {
			return
		}
	}
	s.readied = true
	s.out.ready()
}

// unplayable says why a stream is left out, or nothing.
func unplayable(st ts.Stream) string {
	switch st.Codec {
	case ts.H264, ts.AAC:
		return ""
	case ts.Opus:
		if n := opusChannels(st); n != 1 && n != 2 {
			return "only mono and stereo Opus plays"
		}
		return ""
	}
	return "only H.264, AAC and Opus play"
}

func list(streams []ts.Stream) string {
	names := make([]string, len(streams))
	for i, st := range streams {
		names[i] = string(st.Codec)
	}
	return strings.Join(names, ", ")
}
