package ts

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
)

func TestGarbage(t *testing.T) {
	const n = 60
	clean := written(t, n)
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	middle := len(clean) / 2 / packetSize * packetSize
	cases := []struct {
		name   string
		stream []byte
		least  int // pictures that must survive
		check  func(Damage) bool
	}{
		{"noise before", append(noise(1000), clean...), n, func(d Damage) bool { return d.SkippedBytes > 0 }},
		{"noise between packets", append(append(bytes.Clone(clean[:middle]), noise(333)...), clean[middle:]...), n - 2, func(d Damage) bool { return d.SkippedBytes > 0 }},
		{"a packet lost", append(bytes.Clone(clean[:middle]), clean[middle+packetSize:]...), n - 2, func(d Damage) bool { return true }},
		{"a packet cut short", append(bytes.Clone(clean[:middle+100]), clean[middle+packetSize:]...), n - 4, func(d Damage) bool { return d.SkippedBytes > 0 }},
		{"end in mid-packet", clean[:middle+100], n/2 - 4, func(d Damage) bool { return d.SkippedBytes == 100 }},
		{"every packet twice", twice(clean), n, func(d Damage) bool { return d.Total() == 0 }},
		{"zeros", make([]byte, 10000), 0, func(d Damage) bool { return d.SkippedBytes > 9000 }},
		{"sync bytes only", bytes.Repeat([]byte{syncByte}, 10000), 0, func(d Damage) bool { return true }},
		{"nothing", nil, 0, func(d Damage) bool { return d.Total() == 0 }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := feed(t, c.stream, 1316)
			whole := 0
			for _, u := range r.of(videoPID) {
				if i := int(u.DTS / 3000); i < n && bytes.HasSuffix(u.Data, picture(i)) {
					whole++
				}
			}
			if whole < c.least {
				t.Errorf("%d whole pictures, want at least %d; damage %+v", whole, c.least, r.d.Damage)
			}
			if !c.check(r.d.Damage) {
				t.Errorf("damage %+v", r.d.Damage)
			}
		})
	}
}

func twice(stream []byte) (out []byte) {
	for ; len(stream) >= packetSize; stream = stream[packetSize:] {
		out = append(append(out, stream[:packetSize]...), stream[:packetSize]...)
	}
	return out
}

// How a stream is cut into pieces must not matter, whatever is in it.
func FuzzPush(f *testing.F) {
	clean := written(f, 4)
	f.Add(clean, 188)
	f.Add(clean[:len(clean)/2+17], 1316)
	f.Add(clean[55:], 3)
	f.Add(bytes.Repeat([]byte{syncByte}, 800), 10)
	for i := range 40 { // every kind of packet, truncated everywhere in a table or header
		f.Add(append(bytes.Clone(clean[:packetSize*2+i*5]), clean[packetSize*4:]...), 188)
	}
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		if len(stream) > 1<<14 {
			return
		}
		whole := feed(t, stream, max(len(stream), 1))
		parts := feed(t, stream, 1+(piece&0x7fff))
		if !reflect.DeepEqual(whole.programs, parts.programs) || whole.d.Damage != parts.d.Damage {
			t.Fatalf("in one piece %+v, in pieces %+v", whole.d.Damage, parts.d.Damage)
		}
		if !reflect.DeepEqual(whole.of(videoPID), parts.of(videoPID)) {
			t.Fatal("the pieces change the units")
		}
	})
}
