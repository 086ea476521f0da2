package codec

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

// OpusRate is the clock of Opus: 48 kHz whatever the input was (RFC 7845 §5.1).
const OpusRate = 48000

// OpusDuration returns the samples at 48 kHz in a packet (RFC 6716 §3.1); 0
// for a packet that is empty or longer than the 120 ms allowed.
func OpusDuration(packet []byte) int {
	if d := opus.PacketDuration2(packet); d > 0 && d <= 5760 {
		return int(d)
	}
	return 0
}
