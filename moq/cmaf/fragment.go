package cmaf

import "encoding/binary"

// VideoTimescale is the clock of video tracks: decode times are microseconds.
// Audio tracks count samples.
const VideoTimescale = 1_000_000

// trackID of the only track of an initialization header.
const trackID = 1

// FragmentHeaderLen is what AppendFragmentHeader appends, in bytes.
const FragmentHeaderLen = moofLen + 8

const (
	mfhdLen = 16
	tfhdLen = 16
	tfdtLen = 20
	trunLen = 36
	trafLen = 8 + tfhdLen + tfdtLen + trunLen
	moofLen = 8 + mfhdLen + trafLen
)

// Sample flags (ISO/IEC 14496-12 §8.8.3.1).
const (
	flagsSync    = 0x02000000 // depends on no other sample
	flagsNonSync = 0x01010000 // depends on others, is no sync sample
)

// Sample is one frame and its place in time, in the track's timescale.
type Sample struct {
	Sequence          uint32 // of the fragment, ascending from 1
	DecodeTime        uint64 // since the Unix epoch
	Duration          uint32 // above 0: players drop samples without duration
	CompositionOffset int32  // presentation time less decode time
	Sync              bool   // decoding can start here
}

// AppendFragmentHeader appends the boxes that precede the bytes of a sample of
// size bytes, which the caller appends. size must be below 4 GiB.
func AppendFragmentHeader(b []byte, s Sample, size int) []byte {
	b = appendBox(b, moofLen, "moof")
	b = appendFullBox(b, mfhdLen, "mfhd", 0, 0)
	b = binary.BigEndian.AppendUint32(b, s.Sequence)
	b = appendBox(b, trafLen, "traf")
	b = appendFullBox(b, tfhdLen, "tfhd", 0, 0x020000) // default-base-is-moof
	b = binary.BigEndian.AppendUint32(b, trackID)
	b = appendFullBox(b, tfdtLen, "tfdt", 1, 0)
	b = binary.BigEndian.AppendUint64(b, s.DecodeTime)
	// Version 1: the composition offset is signed. Flags: data offset, and
	// duration, size, flags and composition offset of every sample.
	b = appendFullBox(b, trunLen, "trun", 1, 0x000f01)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = binary.BigEndian.AppendUint32(b, FragmentHeaderLen)
	b = binary.BigEndian.AppendUint32(b, s.Duration)
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	if s.Sync {
		b = binary.BigEndian.AppendUint32(b, flagsSync)
	} else {
		b = binary.BigEndian.AppendUint32(b, flagsNonSync)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(s.CompositionOffset))
	return appendBox(b, uint32(8+size), "mdat")
}

func appendBox(b []byte, size uint32, name string) []byte {
	return append(binary.BigEndian.AppendUint32(b, size), name...)
}

func appendFullBox(b []byte, size uint32, name string, version uint8, flags uint32) []byte {
	b = appendBox(b, size, name)
	return binary.BigEndian.AppendUint32(b, uint32(version)<<24|flags)
}
