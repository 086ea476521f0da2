// Package ts takes an MPEG transport stream (ISO/IEC 13818-1) apart as it
// arrives: bytes go in, programmes and PES units come out.
//
// It exists besides the general readers because of delay. A PES packet of video
// usually carries no length, and a reader that waits for the start of the next
// one gives every picture away one frame late. Demuxer gives a unit away with
// the packet that ends it, where the multiplexer's stuffing shows the end.
//
// It must not know codecs beyond their names, clocks, networks or the bridge:
// timestamps are the raw 33 bits at 90 kHz, and damage is counted, not logged.
//
// Start reading at Demuxer.Push, then stream.add in pes.go.
package ts
