package file

import (
	"errors"
	"fmt"
	"io"

	"github.com/Eyevinn/mp4ff/mp4"
)

const second = 1_000_000 // in microseconds

// maxSamples bounds the frames of a track: two million are 12 hours of AAC.
const maxSamples = 2_000_000

// sample is one frame of a track; times are microseconds in the clip.
type sample struct {
	pts, dts int64
	sync     bool
	data     []byte
}

// readSamples reads a track's frames, at least one, and returns when the last
// one ends. It takes their bytes from budget. The tables of the file are not
// trusted: they may contradict each other.
func readSamples(src io.ReadSeeker, trak *mp4.TrakBox, budget *int64) (samples []sample, end int64, err error) {
	stbl := trak.Mdia.Minf.Stbl
	timescale := int64(trak.Mdia.Mdhd.Timescale)
	if stbl.Stsz == nil || stbl.Stts == nil || stbl.Stsc == nil || timescale == 0 {
		return nil, 0, errors.New("no sample tables")
	}
	n := int(stbl.Stsz.SampleNumber)
	if n == 0 || n > maxSamples || (stbl.Stsz.SampleUniformSize == 0 && len(stbl.Stsz.SampleSize) < n) {
		return nil, 0, fmt.Errorf("%d samples", n)
	}
	samples = make([]sample, n)
	if err := locate(src, stbl, samples, budget); err != nil {
		return nil, 0, err
	}
	end, err = placeInTime(trak, samples)
	if err != nil {
		return nil, 0, err
	}
	toMicros := func(t int64) int64 { return t/timescale*second + t%timescale*second/timescale }
	for i := range samples {
		samples[i].pts, samples[i].dts = toMicros(samples[i].pts), toMicros(samples[i].dts)
		samples[i].sync = stbl.Stss == nil
	}
	if stbl.Stss != nil {
		for _, nr := range stbl.Stss.SampleNumber {
			if nr >= 1 && int(nr) <= n {
				samples[nr-1].sync = true
			}
		}
	}
	return samples, toMicros(end), nil
}

// placeInTime sets the times of samples in units of the track's timescale,
// counted from where the edit list starts, and returns the end of the last.
func placeInTime(trak *mp4.TrakBox, samples []sample) (end int64, err error) {
	stbl := trak.Mdia.Minf.Stbl
	var start int64
	if trak.Edts != nil {
		for _, elst := range trak.Edts.Elst {
			for _, e := range elst.Entries {
				if e.MediaTime >= 0 { // -1 is an empty edit
					start = e.MediaTime
				}
			}
		}
	}
	at, i := -start, 0
	for run := range stbl.Stts.SampleCount {
		if run >= len(stbl.Stts.SampleTimeDelta) {
			break
		}
		for range min(int(stbl.Stts.SampleCount[run]), len(samples)-i) {
			samples[i].dts, samples[i].pts = at, at
			at += int64(stbl.Stts.SampleTimeDelta[run])
			i++
		}
	}
	if i < len(samples) {
		return 0, fmt.Errorf("times for %d of %d samples", i, len(samples))
	}
	if stbl.Ctts == nil {
		return at, nil
	}
	i = 0
	for run := range stbl.Ctts.NrSampleCount() {
		if run >= len(stbl.Ctts.SampleOffset) {
			break
		}
		for range min(int(stbl.Ctts.SampleCount(run)), len(samples)-i) {
			samples[i].pts += int64(stbl.Ctts.SampleOffset[run])
			i++
		}
	}
	// Composition offsets shift all pictures by the start of the edit list, so
	// the end of the last picture is where decoding ends, less that shift.
	return at + start, nil
}

// locate reads the bytes of all samples, chunk by chunk.
func locate(src io.ReadSeeker, stbl *mp4.StblBox, samples []sample, budget *int64) error {
	fileSize, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var offsets []uint64
	switch {
	case stbl.Stco != nil:
		for _, o := range stbl.Stco.ChunkOffset {
			offsets = append(offsets, uint64(o))
		}
	case stbl.Co64 != nil:
		offsets = stbl.Co64.ChunkOffset
	}
	size := func(i int) int64 {
		if stbl.Stsz.SampleUniformSize != 0 {
			return int64(stbl.Stsz.SampleUniformSize)
		}
		return int64(stbl.Stsz.SampleSize[i])
	}
	i, entry := 0, 0
	for chunk, offset := range offsets {
		entries := stbl.Stsc.Entries
		for entry+1 < len(entries) && int(entries[entry+1].FirstChunk) <= chunk+1 {
			entry++
		}
		if entry >= len(entries) {
			break
		}
		if offset > uint64(fileSize) {
			return fmt.Errorf("chunk %d is beyond the end of the file", chunk)
		}
		left := fileSize - int64(offset)
		if _, err := src.Seek(int64(offset), io.SeekStart); err != nil {
			return err
		}
		for range min(int(entries[entry].SamplesPerChunk), len(samples)-i) {
			if *budget -= size(i); *budget < 0 {
				return fmt.Errorf("more than %d bytes of media", maxMedia)
			}
			if left -= size(i); left < 0 {
				return fmt.Errorf("sample %d is beyond the end of the file", i)
			}
			samples[i].data = make([]byte, size(i))
			if _, err := io.ReadFull(src, samples[i].data); err != nil {
				return fmt.Errorf("sample %d: %w", i, err)
			}
			i++
		}
	}
	if i < len(samples) {
		return fmt.Errorf("places of %d of %d samples", i, len(samples))
	}
	return nil
}
