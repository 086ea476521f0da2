package live

import (
	"testing"

	"moqedge/moq/wire"
)

// BenchmarkAppend appends whole objects of 1 KiB, thirty to a group.
func BenchmarkAppend(b *testing.B) {
	track := NewTrack(name, Options{})
	payload := make([]byte, 1<<10)
	var w *SubgroupWriter
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if i%30 == 0 {
			w = nextGroup(b, track, w, i/30)
		}
		if err := w.Append(WholeObject{ID: i % 30, Payload: payload}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReceive appends objects of 12.5 kB as a session does, in pieces of
// 1400 bytes, with the properties that LOC has.
func BenchmarkReceive(b *testing.B) {
	track := NewTrack(name, Options{})
	properties := wire.AppendProperties(nil, wire.KeyValue{Type: 0x10, Value: 123456789}, wire.KeyValue{Type: 0x0D, Bytes: make([]byte, 40)})
	var w *SubgroupWriter
	b.SetBytes(12_500)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if i%30 == 0 {
			w = nextGroup(b, track, w, i/30)
		}
		if err := w.Begin(ObjectHeader{ID: i % 30, Properties: properties, Size: 12_500}); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < 12_500; {
			k := min(len(w.Buffer()), 1400)
			w.Commit(k)
			n += k
		}
	}
}

// BenchmarkDuplicate is BenchmarkReceive with a second publisher that brings
// the same objects right behind the first.
func BenchmarkDuplicate(b *testing.B) {
	track := NewTrack(name, Options{})
	var w, second *SubgroupWriter
	b.SetBytes(12_500)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if i%30 == 0 {
			w = nextGroup(b, track, w, i/30)
			second = nextGroup(b, track, second, i/30)
		}
		for _, w := range []*SubgroupWriter{w, second} {
			if err := w.Begin(ObjectHeader{ID: i % 30, Size: 12_500}); err != nil {
				b.Fatal(err)
			}
		}
		for n := 0; n < 12_500; {
			k := min(len(w.Buffer()), 1400)
			w.Commit(k)
			for m := 0; m < k; {
				buffer := second.Buffer()
				l := min(len(buffer), k-m)
				clear(buffer[:l])
				second.Commit(l)
				m += l
			}
			n += k
		}
	}
}

func nextGroup(b *testing.B, track *Track, w *SubgroupWriter, group uint64) *SubgroupWriter {
	if w != nil {
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	w, err := track.OpenSubgroup(SubgroupInfo{Group: group, Priority: 128, HasProperties: true, FirstObject: true})
	if err != nil {
		b.Fatal(err)
	}
	return w
}
