package cmaf

import (
	"bytes"
	"fmt"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
)

// AVCInit returns the header of an H.264 track with parameter sets out of band
// (sample entry avc1). avcC is the AVCDecoderConfigurationRecord; width and
// height are in pixels.
func AVCInit(width, height int, avcC []byte) ([]byte, error) {
	record, err := avc.DecodeAVCDecConfRec(avcC)
	if err != nil {
		return nil, fmt.Errorf("cmaf: avcC: %w", err)
	}
	return videoInit("avc1", width, height, &mp4.AvcCBox{DecConfRec: record})
}

// VP8Init returns the header of a VP8 track (sample entry vp08).
func VP8Init(width, height int) ([]byte, error) {
	// VP8 has one profile of interest, 8 bits and 4:2:0 only. Level 0 and colour
	// 2 mean undefined (VP Codec ISO Media File Format Binding).
	return videoInit("vp08", width, height, &mp4.VppCBox{
		Version: 1, BitDepth: 8, ChromaSubsampling: 1, ColourPrimaries: 2, TransferCharacteristics: 2, MatrixCoefficients: 2,
	})
}

// VP8Codec is the codec string that goes with VP8Init.
const VP8Codec = "vp08.00.10.08"

// AACInit returns the header of an AAC track; asc is the AudioSpecificConfig
// and rate the timescale, the samples per second in which frames are counted.
func AACInit(rate, channels int, asc []byte) ([]byte, error) {
	if rate <= 0 || channels < 1 || channels > 255 || len(asc) == 0 {
		return nil, fmt.Errorf("cmaf: AAC of %d Hz and %d channels with a configuration of %d bytes", rate, channels, len(asc))
	}
	entryRate := rate
	if rate > 65535 {
		entryRate = 0 // the field has 16 bits; the configuration tells
	}
	return audioInit(rate, mp4.CreateAudioSampleEntryBox("mp4a", uint16(channels), 16, uint16(entryRate), mp4.CreateEsdsBox(asc)))
}

// OpusInit returns the header of an Opus track of 1 or 2 channels; its
// timescale is 48000.
func OpusInit(channels int) ([]byte, error) {
	if channels != 1 && channels != 2 {
		return nil, fmt.Errorf("cmaf: Opus with %d channels", channels)
	}
	// No pre-skip: a live stream is joined in the middle, where there is no
	// encoder delay to leave out.
	dops := &mp4.DopsBox{OutputChannelCount: byte(channels), InputSampleRate: 48000}
	return audioInit(48000, mp4.CreateAudioSampleEntryBox("Opus", uint16(channels), 16, 48000, dops))
}

func videoInit(entry string, width, height int, config mp4.Box) ([]byte, error) {
	if width < 1 || height < 1 || width > 65535 || height > 65535 {
		return nil, fmt.Errorf("cmaf: picture of %dx%d", width, height)
	}
	init := mp4.CreateEmptyInit()
	trak := init.AddEmptyTrack(VideoTimescale, "video", "und")
	trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(width<<16), mp4.Fixed32(height<<16)
	trak.Mdia.Minf.Stbl.Stsd.AddChild(mp4.CreateVisualSampleEntryBox(entry, uint16(width), uint16(height), config))
	return encode(init)
}

func audioInit(timescale int, entry mp4.Box) ([]byte, error) {
	init := mp4.CreateEmptyInit()
	trak := init.AddEmptyTrack(uint32(timescale), "audio", "und")
	trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
	return encode(init)
}

func encode(init *mp4.InitSegment) ([]byte, error) {
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		return nil, fmt.Errorf("cmaf: %w", err)
	}
	return b.Bytes(), nil
}
