package media

import (
	"fmt"
	"time"
)

// Kind is what a track carries.
type Kind uint8

// The kinds of tracks.
const (
	Video Kind = iota
	Audio
	Data // small messages: chat
)

// String returns "video", "audio" or "data", the keys of results.
func (k Kind) String() string {
	switch k {
	case Video:
		return "video"
	case Audio:
		return "audio"
	case Data:
		return "data"
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Chained reports whether a frame is of use only when all before it in its group
// are there: pictures refer to each other, a frame of sound and a message do not.
func (k Kind) Chained() bool { return k == Video }

// Track says what one track of a source is.
type Track struct {
	Name      string  // "video0", "audio0": unique in the source; the number is the client's
	Kind      Kind    //
	Codec     string  // RFC 6381: "avc1.42e01f", "opus", "mp4a.40.2"; "" for data
	Rate      float64 // frames per second; no whole number for the sound of most files
	Group     int     // frames per group, the first group may be shorter; 0: groups begin at key frames (files)
	Client    int     // who publishes it (meeting, chat); 0 for one publisher
	Datagrams bool    // MOQT sends it as datagrams
	Config    []byte  // decoder configuration record (AVC: avcC, AAC: AudioSpecificConfig), nil if none. Shared
	// Width and Height in pixels and SampleRate in Hz with Channels; 0 where they
	// do not apply.
	Width, Height, SampleRate, Channels int
}

// Frame is an access unit, a frame of sound, or a message.
type Frame struct {
	N     uint64        // counts the frames of its track from 0
	Due   time.Duration // when it is to be written, since the start of the schedule; ascends with N (decode order)
	Group uint64        // of pictures it belongs to, counted from 0
	Key   bool          // begins the group
	Last  bool          // ends the group
	Size  int           // bytes of Payload
	// Payload is, for video, NAL units with 4-byte lengths before them (as LOC
	// has it) and with SPS and PPS before each key frame; for sound, one packet. It
	// is shared: do not change it. It is nil in what Source.Slot returns.
	Payload []byte
}

// Source is what a publisher sends. Equal options give equal bytes. A source has no
// end and is safe for concurrent use.
type Source interface {
	// Tracks returns the tracks. Do not change them.
	Tracks() []Track
	// Slot returns frame n of a track without its payload, at little cost.
	Slot(track int, n uint64) Frame
	// Frame returns frame n of a track. The payload may be made for the call.
	Frame(track int, n uint64) Frame
	// Bitrate is that of the payloads of all tracks together, in bits per second.
	Bitrate() float64
}

// Wanted returns the tracks that viewer number v of n watches, counted from 0.
//   - In a meeting a viewer is one of the clients, in turn, and watches all tracks
//     but its own.
//   - In a chat every track has two viewers, and the tracks are dealt out evenly.
//     With one viewer it watches all; of more viewers than tracks each watches one.
//   - Else a viewer watches everything.
func Wanted(tracks []Track, v, n int) []int {
	clients, chat := 0, false
	for _, t := range tracks {
		clients = max(clients, t.Client+1)
		chat = chat || t.Kind == Data
	}
	var wanted []int
	for i, t := range tracks {
		switch {
		case chat && n > len(tracks):
			if i != v%len(tracks) {
				continue
			}
		case chat:
			if i%n != v && (i+1)%n != v {
				continue
			}
		case clients > 1:
			if t.Client == v%clients {
				continue
			}
		}
		wanted = append(wanted, i)
	}
	return wanted
}
