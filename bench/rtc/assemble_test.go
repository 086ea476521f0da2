package rtc

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtp"

	"moqedge/bench/media"
)

// clip is the packets of some frames of a track, and what they were made of.
type clip struct {
	packets []rtp.Packet
	frames  map[uint32][]byte // by timestamp
}

func clipOf(t *testing.T, profile string, track media.Kind, frames uint64, sequence uint16) clip {
	t.Helper()
	s := profileOf(t, profile, media.Options{Sound: track == media.Audio})
	number := 0
	for i, one := range s.Tracks() {
		if one.Kind == track {
			number = i
			break
		}
	}
	p := newPacketizer(s.Tracks()[number])
	p.sequence = sequence
	c := clip{frames: make(map[uint32][]byte)}
	for n := range frames {
		f := s.Frame(number, n)
		ts := uint32(stamp(f.Due, 90000))
		packets, err := p.packets(f, ts)
		if err != nil {
			t.Fatal(err)
		}
		c.packets = append(c.packets, packets...)
		c.frames[ts] = f.Payload
	}
	return c
}

// take gives packets to an assembler and returns the frames that are right.
func (c clip) take(t *testing.T, a *assembler, packets []rtp.Packet) (complete map[uint32]int) {
	t.Helper()
	complete = make(map[uint32]int)
	for i := range packets {
		for _, f := range a.push(&packets[i]) {
			if !bytes.Equal(f.payload, c.frames[f.timestamp]) {
				t.Fatalf("frame at %d differs: %d bytes, want %d", f.timestamp, len(f.payload), len(c.frames[f.timestamp]))
			}
			complete[f.timestamp]++
		}
	}
	return complete
}

// Frames are put together from packets in any order, of which some come twice.
func TestAssembleShuffled(t *testing.T) {
	for _, profile := range []string{"1080p", "3mbps", "360p"} {
		for seed := range uint64(20) {
			c := clipOf(t, profile, media.Video, 90, uint16(65000+seed*50)) // wraps in the middle
			chance := rand.New(rand.NewPCG(seed, 1))
			packets := append([]rtp.Packet(nil), c.packets...)
			const window = 40
			for i := 1; i < len(packets); i++ { // the first stays: what is before it is not known
				j := i + chance.IntN(min(window, len(packets)-i))
				packets[i], packets[j] = packets[j], packets[i]
				if chance.IntN(10) == 0 {
					packets = append(packets, packets[i])
				}
			}
			complete := c.take(t, newAssembler(&avc{}), packets)
			if len(complete) != len(c.frames) {
				t.Fatalf("%s, seed %d: %d of %d frames", profile, seed, len(complete), len(c.frames))
			}
			for ts, n := range complete {
				if n != 1 {
					t.Errorf("frame at %d came %d times", ts, n)
				}
			}
		}
	}
}

// A frame that misses any of its packets is not complete, and comes when that does.
func TestAssembleLost(t *testing.T) {
	c := clipOf(t, "3mbps", media.Video, 3, 100)
	for i := range c.packets {
		packets := append(append([]rtp.Packet(nil), c.packets[:i]...), c.packets[i+1:]...)
		a := newAssembler(&avc{})
		complete := c.take(t, a, packets)
		missing := c.packets[i].Timestamp
		if complete[missing] > 0 {
			t.Fatalf("without packet %d its frame is complete", i)
		}
		if i == 0 {
			continue // what is before the first packet is not known, so it cannot come late
		}
		for ts, n := range c.take(t, a, c.packets[i:i+1]) {
			complete[ts] += n
		}
		if len(complete) != len(c.frames) {
			t.Errorf("after packet %d came: %d of %d frames", i, len(complete), len(c.frames))
		}
	}
}

// What never comes is given up, and memory stays bounded.
func TestAssembleGivesUp(t *testing.T) {
	c := clipOf(t, "3mbps", media.Video, 400, 0)
	a := newAssembler(&avc{})
	packets := append(append([]rtp.Packet(nil), c.packets[:20]...), c.packets[25:]...)
	complete := c.take(t, a, packets)
	if a.lost != 5 {
		t.Errorf("%d packets were given up, not 5", a.lost)
	}
	if len(complete) < len(c.frames)-3 {
		t.Errorf("%d of %d frames", len(complete), len(c.frames))
	}
	if len(a.spare) > slots {
		t.Errorf("%d buffers are kept", len(a.spare))
	}
}

func TestAssembleOpaque(t *testing.T) {
	s := profileOf(t, "chat", media.Options{Clients: 1})
	p := newPacketizer(s.Tracks()[0])
	a := newAssembler(&opaque{})
	for i, size := range []int{1, 200, payloadSize - 1, payloadSize, 3 * payloadSize} {
		want := bytes.Repeat([]byte{byte(i)}, size)
		packets, err := p.packets(media.Frame{Payload: want}, uint32(i))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for k := range packets {
			for _, f := range a.push(&packets[k]) {
				if !bytes.Equal(f.payload, want) {
					t.Errorf("%d bytes came back as %d", size, len(f.payload))
				}
				got++
			}
		}
		if got != 1 {
			t.Errorf("%d bytes came back %d times", size, got)
		}
	}
}

// Nothing that a server can send breaks an assembler.
func FuzzAssemble(f *testing.F) {
	for _, seed := range [][]byte{
		{0, 1, 0x7c, 0x85, 1, 2, 3}, {0x80, 1, 0x78, 0, 2, 0x67, 1, 0, 9}, {0, 1, 0x7c}, {0x80, 2, 1, 1, 1},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range []format{&avc{}, &opaque{}} {
			a := newAssembler(format)
			for i := 0; i+4 < len(b); {
				n := min(len(b)-i-4, int(b[i+3]))
				p := rtp.Packet{Header: rtp.Header{
					SequenceNumber: uint16(b[i+1]), Marker: b[i]&0x80 != 0, Timestamp: uint32(b[i+2]),
				}, Payload: b[i+4 : i+4+n]}
				a.push(&p)
				i += 4 + n
			}
		}
	})
}

func TestPacketizeRefuses(t *testing.T) {
	p := newPacketizer(media.Track{Kind: media.Video, Codec: "avc1.42e01f"})
	for _, payload := range [][]byte{{0}, {0, 0, 0, 0}, {0, 0, 0, 5, 1}, binary.BigEndian.AppendUint32(nil, 1<<31)} {
		if _, err := p.packets(media.Frame{Payload: payload}, 0); err == nil {
			t.Errorf("% x was taken", payload)
		}
	}
}

// A timestamp says which frame it is of, at all times and for all rates.
func TestNumbers(t *testing.T) {
	for _, profile := range []string{"3mbps", "audio", "chat"} {
		s := profileOf(t, profile, media.Options{})
		start := time.Now()
		for _, hz := range []uint32{48000, 90000} {
			c := newNumbers(Options{Source: s, Start: start}, 0, hz)
			for _, n := range []uint64{0, 1, 2, 50, 49, 1000, 10, 1 << 20, 1<<22 + 1, 5} { // some wrap 32 bits
				due := s.Slot(0, n).Due
				ts := uint32(stamp(due, hz))
				if got, ok := c.find(ts, start.Add(due+time.Second)); !ok || got != n {
					t.Errorf("%s at %d Hz: frame %d is taken for %d, %v", profile, hz, n, got, ok)
				}
				if got, ok := c.find(ts+3, start.Add(due)); ok {
					t.Errorf("%s at %d Hz: a time between frames is taken for frame %d", profile, hz, got)
				}
				if got, ok := c.find(ts, start.Add(due+time.Hour)); ok {
					t.Errorf("%s at %d Hz: an hour late, and taken for frame %d", profile, hz, got)
				}
			}
		}
	}
}

// A server that shifts timestamps is found out by what is in the frames.
func TestNumbersLearn(t *testing.T) {
	s := profileOf(t, "3mbps", media.Options{})
	start := time.Now()
	c := newNumbers(Options{Source: s, Start: start}, 0, 90000)
	const shift = 3_000_000_001
	at := func(n uint64) (uint32, time.Time) {
		due := s.Slot(0, n).Due
		return uint32(stamp(due, 90000)) + shift, start.Add(due + 100*time.Millisecond)
	}
	ts, now := at(500)
	if _, ok := c.find(ts, now); ok {
		t.Fatal("a shifted timestamp was found")
	}
	if c.learn(ts, s.Frame(0, 0).Payload, now) || c.learn(ts, []byte("something else"), now) {
		t.Fatal("learnt from a frame that cannot be")
	}
	if !c.learn(ts, s.Frame(0, 500).Payload, now) {
		t.Fatal("not learnt")
	}
	for _, n := range []uint64{500, 501, 499, 900} {
		ts, now := at(n)
		if got, ok := c.find(ts, now); !ok || got != n {
			t.Errorf("frame %d is taken for %d, %v", n, got, ok)
		}
	}
}
